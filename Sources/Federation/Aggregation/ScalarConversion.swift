/// Between the types of tensors and those that sums are made in.
extension ScalarType {
    /// Adds `weight` times every value to `sums`.
    func accumulate(_ bytes: UnsafeRawBufferPointer, weight: Double, into sums: UnsafeMutablePointer<Double>) {
        func add<Value>(_: Value.Type, _ double: (Value) -> Double) {
            let values = bytes.assumingMemoryBound(to: Value.self)
            for i in 0..<values.count { sums[i] += weight * double(values[i]) }
        }
        switch self {
        case .float32: add(Float.self) { Double($0) }
        case .float64: add(Double.self) { $0 }
        case .float16: add(UInt16.self) { Double(Float16(bitPattern: $0)) }
        case .bfloat16: add(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .int64: add(Int64.self) { Double($0) }
        case .int32: add(Int32.self) { Double($0) }
        case .uint8, .bool: add(UInt8.self) { Double($0) }
        }
    }

    /// Every value as a float32.
    func load(_ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutablePointer<Float>) {
        func convert<Value>(_: Value.Type, _ float: (Value) -> Float) {
            let values = bytes.assumingMemoryBound(to: Value.self)
            for i in 0..<values.count { floats[i] = float(values[i]) }
        }
        switch self {
        case .float32: convert(Float.self) { $0 }
        case .float64: convert(Double.self) { Float($0) }
        case .float16: convert(UInt16.self) { Float(Float16(bitPattern: $0)) }
        case .bfloat16: convert(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        case .int64: convert(Int64.self) { Float($0) }
        case .int32: convert(Int32.self) { Float($0) }
        case .uint8, .bool: convert(UInt8.self) { Float($0) }
        }
    }

    /// Rounds values to this type, to the nearest and ties to even.
    func store(_ values: UnsafePointer<Double>, count: Int, to bytes: UnsafeMutableRawPointer) {
        func convert<Value>(_: Value.Type, _ value: (Double) -> Value) {
            let target = bytes.assumingMemoryBound(to: Value.self)
            for i in 0..<count { target[i] = value(values[i]) }
        }
        switch self {
        case .float32: convert(Float.self) { Float($0) }
        case .float64: convert(Double.self) { $0 }
        case .float16: convert(UInt16.self) { Float16($0).bitPattern }
        case .bfloat16:
            convert(UInt16.self) {
                let bits = Float($0).bitPattern
                return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
            }
        case .int64: convert(Int64.self) { Int64($0.rounded(.toNearestOrEven)) }
        case .int32: convert(Int32.self) { Int32($0.rounded(.toNearestOrEven)) }
        case .uint8, .bool: convert(UInt8.self) { UInt8($0.rounded(.toNearestOrEven)) }
        }
    }
}
