/// A channel as a coarser scanner would have seen it: every voxel from the nearest one of a coarser grid, brought back
/// linearly.
package enum LowResolution {
    /// Which voxels of an axis a voxel lies between, after the way down and up again, and the share of the second.
    struct Axis {
        /// The voxels that the coarse grid keeps.
        var kept: [Int] = []
        /// Indices into `kept`.
        var lower: [Int] = []
        var upper: [Int] = []
        var share: [Float] = []

        /// - Parameter isMirrored: whether the axis is already flipped, which the original only does afterwards.
        init(size: Int, scale: Double, isMirrored: Bool) {
            // The original holds the scale in single precision.
            let count = max(1, Int((Double(size) * Double(Float(scale))).rounded(.toNearestOrEven)))
            kept = NearestExact.indices(from: size, to: count)
            let ratio = Float(count) / Float(size)
            for index in 0..<size {
                let position = max(0, ratio * (Float(index) + 0.5) - 0.5)
                let whole = min(Int(position), count - 1)
                lower.append(whole)
                upper.append(min(whole + 1, count - 1))
                share.append(min(max(position - Float(whole), 0), 1))
            }
            guard isMirrored else { return }
            kept = kept.map { size - 1 - $0 }
            lower.reverse()
            upper.reverse()
            share.reverse()
        }
    }

    /// Coarsens one channel in place.
    ///
    /// - Parameters:
    ///   - shape: (z, y, x).
    ///   - scales: per axis, at most one.
    static func apply(
        _ values: UnsafeMutablePointer<Float>, shape: SIMD3<Int>, scales: [Double], mirrored: [Bool],
        scratch: AugmentationScratch
    ) {
        let z = Axis(size: shape[0], scale: scales[0], isMirrored: mirrored[0])
        let y = Axis(size: shape[1], scale: scales[1], isMirrored: mirrored[1])
        let x = Axis(size: shape[2], scale: scales[2], isMirrored: mirrored[2])
        let width = shape[2]
        let rows = y.kept.count
        // The kept rows, each brought back to its full width first.
        let coarse = scratch.floats(z.kept.count * rows * width)
        x.kept.withUnsafeBufferPointer { kept in
            x.lower.withUnsafeBufferPointer { lower in
                x.upper.withUnsafeBufferPointer { upper in
                    x.share.withUnsafeBufferPointer { share in
                        var output = coarse
                        for plane in z.kept {
                            for line in y.kept {
                                let row = values + (plane * shape[1] + line) * width
                                for index in 0..<width {
                                    let first = row[kept[lower[index]]]
                                    output[index] = first + (row[kept[upper[index]]] - first) * share[index]
                                }
                                output += width
                            }
                        }
                    }
                }
            }
        }
        for plane in 0..<shape[0] {
            let (nearZ, farZ) = (coarse + z.lower[plane] * rows * width, coarse + z.upper[plane] * rows * width)
            let shareZ = z.share[plane]
            for line in 0..<shape[1] {
                let (low, high) = (y.lower[line] * width, y.upper[line] * width)
                let shareY = y.share[line]
                let output = values + (plane * shape[1] + line) * width
                let (a, b, c, d) = (nearZ + low, nearZ + high, farZ + low, farZ + high)
                for index in 0..<width {
                    let near = a[index] + (b[index] - a[index]) * shareY
                    let far = c[index] + (d[index] - c[index]) * shareY
                    output[index] = near + (far - near) * shareZ
                }
            }
        }
    }
}

/// The voxel whose centre is nearest, as PyTorch's `nearest-exact` picks it.
enum NearestExact {
    static func indices(from size: Int, to count: Int) -> [Int] {
        let ratio = Float(size) / Float(count)
        return (0..<count).map { min(Int((Float($0) + 0.5) * ratio), size - 1) }
    }
}
