/// The type of a stored number.
public enum PixelType: String, Sendable {
    case uint8, int8, uint16, int16, uint32, int32, uint64, int64, float32, float64

    public var size: Int {
        switch self {
        case .uint8, .int8: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        }
    }

    /// Converts `count` stored numbers to Float, times `slope` plus `intercept` in double precision where they differ from 1
    /// and 0.
    func floats(
        _ bytes: UnsafeRawBufferPointer, count: Int, bigEndian: Bool, slope: Double = 1, intercept: Double = 0
    ) -> [Float] {
        precondition(bytes.count >= count * size)
        let scaled = slope != 1 || intercept != 0
        return [Float](unsafeUninitializedCapacity: count) { output, initialized in
            let out = output.baseAddress
            func integers<Stored: FixedWidthInteger>(_: Stored.Type) {
                let base = bytes.baseAddress!
                for i in 0..<count {
                    let raw = base.loadUnaligned(fromByteOffset: i * MemoryLayout<Stored>.size, as: Stored.self)
                    let value = bigEndian ? Stored(bigEndian: raw) : Stored(littleEndian: raw)
                    out![i] = scaled ? Float(Double(value) * slope + intercept) : Float(value)
                }
            }
            if count > 0 {
                switch self {
                case .uint8: integers(UInt8.self)
                case .int8: integers(Int8.self)
                case .uint16: integers(UInt16.self)
                case .int16: integers(Int16.self)
                case .uint32: integers(UInt32.self)
                case .int32: integers(Int32.self)
                case .uint64: integers(UInt64.self)
                case .int64: integers(Int64.self)
                case .float32:
                    for i in 0..<count {
                        let raw = bytes.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self)
                        let value = Float(bitPattern: bigEndian ? UInt32(bigEndian: raw) : UInt32(littleEndian: raw))
                        out![i] = scaled ? Float(Double(value) * slope + intercept) : value
                    }
                case .float64:
                    for i in 0..<count {
                        let raw = bytes.loadUnaligned(fromByteOffset: i * 8, as: UInt64.self)
                        let value = Double(bitPattern: bigEndian ? UInt64(bigEndian: raw) : UInt64(littleEndian: raw))
                        out![i] = Float(scaled ? value * slope + intercept : value)
                    }
                }
            }
            initialized = count
        }
    }
}
