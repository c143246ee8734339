import Federation

/// Tensors of which those of float32 are read multiplied by a factor, piece by piece.
struct ScaledTensors: TensorSource {
    let source: any TensorSource
    let factor: Float

    var descriptions: [TensorDescription] { source.descriptions }

    func withBytes<Result>(
        of index: Int, in range: Range<Int>, scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard source.descriptions[index].type == .float32 else {
            return try source.withBytes(of: index, in: range, scratch: scratch, body)
        }
        // Whole values, whatever bytes are asked for.
        let bytes = range.lowerBound / 4 * 4..<(range.upperBound + 3) / 4 * 4
        return try withUnsafeTemporaryAllocation(byteCount: 2 * bytes.count, alignment: 64) { work in
            let output = UnsafeMutableRawBufferPointer(rebasing: work[..<bytes.count])
            let read = UnsafeMutableRawBufferPointer(rebasing: work[bytes.count...])
            try source.withBytes(of: index, in: bytes, scratch: read) { input in
                let (x, y) = (input.assumingMemoryBound(to: Float.self), output.assumingMemoryBound(to: Float.self))
                for i in 0..<y.count { y[i] = x[i] * factor }
            }
            let first = range.lowerBound - bytes.lowerBound
            return try body(UnsafeRawBufferPointer(rebasing: output[first..<first + range.count]))
        }
    }
}

extension TensorSource {
    /// The L2 norm of all values of float32 tensors together, in double precision; NaN or infinite where one is.
    public func norm() throws -> Double {
        try sum(of: { $0 * $0 }, { $0 * $0 }).squareRoot()
    }

    /// The L1 norm, likewise.
    public func sumOfMagnitudes() throws -> Double {
        try sum(of: { $0.replacing(with: -$0, where: $0 .< 0) }, { abs($0) })
    }

    /// What a mechanism clips.
    func norm(for mechanism: SiteLevelSettings.Mechanism) throws -> Double {
        switch mechanism {
        case .gaussian: try norm()
        case .laplace: try sumOfMagnitudes()
        }
    }

    /// Of a function of each value, given for eight of them and for one.
    @inline(__always)
    private func sum(of eight: (SIMD8<Double>) -> SIMD8<Double>, _ one: (Double) -> Double) throws -> Double {
        let tile = 1 << 16
        var sum = 0.0
        try withUnsafeTemporaryAllocation(byteCount: tile, alignment: 64) { scratch in
            for (index, description) in descriptions.enumerated() where description.type == .float32 {
                for first in stride(from: 0, to: description.byteCount, by: tile) {
                    let range = first..<min(first + tile, description.byteCount)
                    sum += try withBytes(of: index, in: range, scratch: scratch) { bytes in
                        let end = bytes.count / 32 * 32
                        var sums = SIMD8<Double>.zero
                        for offset in stride(from: 0, to: end, by: 32) {
                            sums += eight(
                                SIMD8<Double>(bytes.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)))
                        }
                        var sum = sums.sum()
                        for offset in stride(from: end, to: bytes.count, by: 4) {
                            sum += one(Double(bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)))
                        }
                        return sum
                    }
                }
            }
        }
        return sum
    }

    /// The same tensors, scaled down where their norm is more than a bound.
    ///
    /// - Parameter norm: theirs, a number.
    func clipped(to bound: Double, norm: Double) -> any TensorSource {
        guard norm > bound else { return self }
        // A little less, so that what rounding to float32 adds does not lead beyond the bound.
        return ScaledTensors(source: self, factor: Float(bound / norm * (1 - 0x1p-20)))
    }
}
