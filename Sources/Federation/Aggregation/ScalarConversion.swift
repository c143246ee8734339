/// Between the types of tensors and those that sums are made in.
extension ScalarType {
    /// Adds every row's weight times its values to `sums`, row after row.
    func accumulate(
        _ rows: [UnsafeRawBufferPointer], weights: some Collection<Double>, into sums: UnsafeMutablePointer<Double>
    ) {
        func add<Value>(from start: Int = 0, _: Value.Type, _ double: (Value) -> Double) {
            for (row, weight) in zip(rows, weights) {
                let values = row.assumingMemoryBound(to: Value.self)
                guard let first = values.baseAddress else { continue }
                for i in start..<values.count { sums[i] += weight * double(first[i]) }
            }
        }
        switch self {
        case .float32: add(from: accumulateVectors(rows, Array(weights), sums), Float.self) { Double($0) }
        case .float64: add(Double.self) { $0 }
        case .float16: add(UInt16.self) { Double(Float16(bitPattern: $0)) }
        case .bfloat16: add(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .int64: add(Int64.self) { Double($0) }
        case .int32: add(Int32.self) { Double($0) }
        case .uint8, .bool: add(UInt8.self) { Double($0) }
        }
    }

    /// Adds rows of float32; the sums of a cache line's values stay in registers meanwhile.
    ///
    /// - Returns: how many values of every row were added: all but the last few.
    private func accumulateVectors(
        _ rows: [UnsafeRawBufferPointer], _ weights: [Double], _ sums: UnsafeMutablePointer<Double>
    ) -> Int {
        let end = rows[0].count / 64 * 64
        let terms = zip(rows, weights).map { (values: $0.baseAddress!, weight: $1) }
        terms.withUnsafeBufferPointer { terms in
            for offset in stride(from: 0, to: end, by: 64) {
                let target = UnsafeMutableRawPointer(sums) + 2 * offset
                var low = target.load(as: SIMD8<Double>.self)
                var high = target.load(fromByteOffset: 64, as: SIMD8<Double>.self)
                for (values, weight) in terms {
                    let values = values + offset
                    low += weight * SIMD8<Double>(values.loadUnaligned(as: SIMD8<Float>.self))
                    high += weight * SIMD8<Double>(values.loadUnaligned(fromByteOffset: 32, as: SIMD8<Float>.self))
                }
                target.storeBytes(of: low, as: SIMD8<Double>.self)
                target.storeBytes(of: high, toByteOffset: 64, as: SIMD8<Double>.self)
            }
        }
        return end / 4
    }

    /// Every value as a float32.
    func load(_ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutablePointer<Float>) {
        func convert<Value>(_: Value.Type, _ float: (Value) -> Float) {
            let values = bytes.assumingMemoryBound(to: Value.self)
            guard let first = values.baseAddress else { return }
            for i in 0..<values.count { floats[i] = float(first[i]) }
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
        case .int64: convert(Int64.self) { Int64(min(0x1p62, max(-0x1p62, $0.rounded(.toNearestOrEven)))) }
        case .int32:
            convert(Int32.self) { Int32(min(2_147_483_647, max(-2_147_483_648, $0.rounded(.toNearestOrEven)))) }
        case .uint8, .bool: convert(UInt8.self) { UInt8(min(255, max(0, $0.rounded(.toNearestOrEven)))) }
        }
    }
}
