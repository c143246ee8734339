#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// Blurring along each axis in turn, mirrored at the borders without repeating the border voxel.
package enum GaussianBlur {
    /// The weights for a standard deviation in voxels: as many as the odd number nearest to 6σ + ½, summing to one.
    package static func kernel(sigma: Double) -> [Float] {
        let wanted = 6 * sigma + 0.5
        let rounded = wanted.rounded(.toNearestOrEven)
        var count = Int(rounded)
        if count % 2 == 0 { count += wanted >= rounded ? 1 : -1 }
        let half = Float(count - 1) / 2
        let weights = (0..<max(1, count)).map { index in
            let x = (Float(index) - half) / Float(sigma)
            return exp(-0.5 * x * x)
        }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// Blurs one channel in place.
    ///
    /// - Parameters:
    ///   - shape: (z, y, x).
    ///   - sigmas: per axis; nil leaves an axis as it is.
    static func apply(
        _ values: UnsafeMutablePointer<Float>, shape: SIMD3<Int>, sigmas: [Double?], scratch: AugmentationScratch
    ) {
        let plane = shape[1] * shape[2]
        let width = shape[2]
        let kernels = sigmas.map { $0.map(kernel(sigma:)) }
        let halfX = (kernels[2]?.count ?? 1) / 2
        // A copy blurred along z, then one row blurred along y with its borders, which is blurred along x into place.
        let copy = scratch.floats(shape[0] * plane + width + 2 * halfX + 8)
        let row = copy + shape[0] * plane
        if let kernel = kernels[0] {
            for z in 0..<shape[0] {
                let output = copy + z * plane
                combine(kernel, at: z, count: shape[0], stride: plane, source: values, width: plane, output: output)
            }
        } else {
            copy.update(from: values, count: shape[0] * plane)
        }
        for z in 0..<shape[0] {
            for y in 0..<shape[1] {
                let output = values + z * plane + y * width
                let source = copy + z * plane
                let target = kernels[2] == nil ? output : row + halfX
                if let kernel = kernels[1] {
                    combine(kernel, at: y, count: shape[1], stride: width, source: source, width: width, output: target)
                } else {
                    target.update(from: source + y * width, count: width)
                }
                guard let kernel = kernels[2] else { continue }
                for index in 0..<halfX {
                    row[halfX - 1 - index] = target[reflected(-1 - index, width)]
                    target[width + index] = target[reflected(width + index, width)]
                }
                convolve(kernel, row, width: width, output: output)
            }
        }
    }

    /// A weighted sum of lines around one line.
    private static func combine(
        _ kernel: [Float], at line: Int, count: Int, stride: Int, source: UnsafeMutablePointer<Float>, width: Int,
        output: UnsafeMutablePointer<Float>
    ) {
        let half = kernel.count / 2
        // Lines at equal distance weigh the same.
        let centre = source + line * stride
        withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<Float>.self, capacity: max(1, kernel.count)) { lines in
            for tap in 0..<kernel.count { lines[tap] = source + reflected(line + tap - half, count) * stride }
            switch half {
            case 1:
                let (w0, w1) = (kernel[1], kernel[0])
                let (a, b) = (lines[0], lines[2])
                for x in 0..<width { output[x] = w0 * centre[x] + w1 * (a[x] + b[x]) }
            case 2:
                let (w0, w1, w2) = (kernel[2], kernel[1], kernel[0])
                let (a, b, c, d) = (lines[0], lines[1], lines[3], lines[4])
                for x in 0..<width { output[x] = w0 * centre[x] + w1 * (b[x] + c[x]) + w2 * (a[x] + d[x]) }
            case 3:
                let (w0, w1, w2, w3) = (kernel[3], kernel[2], kernel[1], kernel[0])
                let (a, b, c, d, e, f) = (lines[0], lines[1], lines[2], lines[4], lines[5], lines[6])
                for x in 0..<width {
                    output[x] = w0 * centre[x] + w1 * (c[x] + d[x]) + w2 * (b[x] + e[x]) + w3 * (a[x] + f[x])
                }
            default:
                let middle = kernel[half]
                for x in 0..<width { output[x] = middle * centre[x] }
                for tap in 0..<half {
                    let weight = kernel[tap]
                    let (a, b) = (lines[tap], lines[kernel.count - 1 - tap])
                    for x in 0..<width { output[x] += weight * (a[x] + b[x]) }
                }
            }
        }
    }

    /// A row with its borders in place, weighted along itself.
    private static func convolve(
        _ kernel: [Float], _ row: UnsafeMutablePointer<Float>, width: Int, output: UnsafeMutablePointer<Float>
    ) {
        switch kernel.count {
        case 3:
            let (w0, w1) = (kernel[1], kernel[0])
            for x in 0..<width { output[x] = w0 * row[x + 1] + w1 * (row[x] + row[x + 2]) }
        case 5:
            let (w0, w1, w2) = (kernel[2], kernel[1], kernel[0])
            for x in 0..<width {
                output[x] = w0 * row[x + 2] + w1 * (row[x + 1] + row[x + 3]) + w2 * (row[x] + row[x + 4])
            }
        case 7:
            let (w0, w1, w2, w3) = (kernel[3], kernel[2], kernel[1], kernel[0])
            for x in 0..<width {
                let near = w0 * row[x + 3] + w1 * (row[x + 2] + row[x + 4])
                output[x] = near + w2 * (row[x + 1] + row[x + 5]) + w3 * (row[x] + row[x + 6])
            }
        default:
            for x in 0..<width { output[x] = 0 }
            for tap in 0..<kernel.count {
                let weight = kernel[tap]
                for x in 0..<width { output[x] += weight * row[x + tap] }
            }
        }
    }

    /// An index outside of 0..<count, mirrored about the first or last one until it is inside.
    private static func reflected(_ index: Int, _ count: Int) -> Int {
        guard count > 1 else { return 0 }
        var index = index
        while index < 0 || index >= count { index = index < 0 ? -index : 2 * (count - 1) - index }
        return index
    }
}
