import Federation

/// The server's half of `TopK`: an update of which only some values came, as dense tensors with zeros between them.
///
/// Its parts in an update: `~top-k.values`, the values in the order of their places, float32 or float16; `~top-k.places`, bytes
/// of a `PlaceCode`; `~top-k.layout`, a `TensorLayout`.
struct SparseTensors: DecodedTensors {
    let decoded: [TensorDescription]
    let source: any TensorSource
    let others: [Int]
    let starts: [Int]
    /// Among the values of all tensors, one after the other.
    let places: Places
    private let scale: Float
    private let values: Int
    private let type: ScalarType

    struct Facts: Codable, Sendable {
        var places: PlaceCode
        /// What every value is multiplied with: a power of two.
        var scale: Float
    }

    /// - Throws: `PrivacyError.refused`, before any memory that the layout claims is taken.
    init(_ source: any TensorSource) throws {
        let filter = TopK.filterName
        let layout = try TensorLayout<Facts>(of: filter, in: source)
        let valuesName = partName("values", of: filter)
        let isHalf = source.descriptions.contains { $0.name == valuesName && $0.type == .float16 }
        type = isHalf ? .float16 : .float32
        values = try source.part("values", of: filter, type: type)
        scale = layout.facts.scale
        guard scale.isNormal, scale > 0, scale.significand == 1, isHalf || scale == 1 else {
            throw PrivacyError.malformed(filter, "its scale is no power of two")
        }
        decoded = layout.descriptions
        starts = Self.starts(decoded)
        let bytes = try source.part("places", of: filter, type: .uint8)
        places = try Places(
            layout.facts.places, try source.bytes(bytes), count: source.descriptions[values].count, of: starts.last!,
            for: filter)
        others = try source.besides(filter, decoded, parts: 3)
        self.source = source
    }

    func decode(_ tensor: Int, _ range: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        buffer.initialize(repeating: 0)
        let (rank, found) = places.places(in: range)
        guard !found.isEmpty else { return }
        let size = type.byteCount
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: found.count * size, alignment: 64)
        defer { scratch.deallocate() }
        try source.withBytes(of: values, in: rank * size..<(rank + found.count) * size, scratch: scratch) { bytes in
            for (index, place) in found.enumerated() {
                buffer[place - range.lowerBound] =
                    type == .float32
                    ? bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
                    : Float(Float16(bitPattern: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)))
                        * scale
            }
        }
    }
}
