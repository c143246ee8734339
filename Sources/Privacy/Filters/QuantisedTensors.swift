import Federation

/// The server's half of `Quantise`: integers times their tensor's scale.
///
/// Its parts in an update: `~quantise.values`, the codes of all tensors one after the other, little-endian, as bytes;
/// `~quantise.layout`, a `TensorLayout`.
struct QuantisedTensors: DecodedTensors {
    let decoded: [TensorDescription]
    let source: any TensorSource
    let others: [Int]
    let starts: [Int]
    private let facts: Facts
    private let values: Int

    struct Facts: Codable, Sendable {
        var bits: Quantise.Settings.Width
        /// Of each tensor.
        var scales: [Float]
    }

    /// - Throws: `PrivacyError.refused`, before any memory that the layout claims is taken.
    init(_ source: any TensorSource) throws {
        let filter = Quantise.filterName
        let layout = try TensorLayout<Facts>(of: filter, in: source)
        let facts = layout.facts
        self.facts = facts
        decoded = layout.descriptions
        starts = Self.starts(decoded)
        values = try source.part("values", of: filter, type: .uint8)
        let (bytes, found) = (starts.last! * facts.bits.rawValue / 8, source.descriptions[values].count)
        guard bytes == found else {
            throw PrivacyError.malformed(filter, "its values take \(found) bytes, and its layout says \(bytes)")
        }
        guard facts.scales.count == decoded.count,
            facts.scales.allSatisfy({ $0.isFinite && $0 > 0 && ($0 * facts.bits.largest).isFinite })
        else { throw PrivacyError.malformed(filter, "its scales are not one for each tensor, finite and above 0") }
        others = try source.besides(filter, decoded, parts: 2)
        self.source = source
    }

    func decode(_ tensor: Int, _ range: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        let scale = facts.scales[tensor]
        let width = facts.bits.rawValue / 8
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count * width, alignment: 64)
        defer { scratch.deallocate() }
        let bytes = range.lowerBound * width..<range.upperBound * width
        try source.withBytes(of: values, in: bytes, scratch: scratch) { bytes in
            switch facts.bits {
            case .eight: for index in 0..<range.count { buffer[index] = Float(Int8(bitPattern: bytes[index])) * scale }
            case .sixteen:
                for index in 0..<range.count {
                    let code = Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))
                    buffer[index] = Float(code) * scale
                }
            }
        }
    }
}
