/// How often each axis is halved and how large the kernels are: nnU-Net's rule that pools an axis only while its spacing
/// is within a factor of two of the finest, and while it keeps at least four voxels.
struct NetworkTopology: Equatable {
    var strides: [[Int]]
    var kernelSizes: [[Int]]
    /// The patch, enlarged so that every axis can be halved as often as it is.
    var patchSize: [Int]
    var divisibleBy: [Int]

    init(spacing: [Double], patch: [Double]) {
        let axes = spacing.indices
        let smallestFeatureMap = 4.0
        var spacing = spacing
        var size = patch
        var kernel = spacing.map { _ in 1 }
        var poolings = spacing.map { _ in 0 }
        strides = [kernel]
        kernelSizes = []
        while true {
            let large = axes.filter { size[$0] >= 2 * smallestFeatureMap }
            guard let finest = large.map({ spacing[$0] }).min() else { break }
            let pooled = large.filter { spacing[$0] / finest < 2 }
            if pooled.count == 1, size[pooled[0]] < 3 * smallestFeatureMap { break }
            let finestOfAll = spacing.min()!
            for axis in axes where kernel[axis] != 3 && spacing[axis] / finestOfAll < 2 { kernel[axis] = 3 }
            for axis in pooled {
                poolings[axis] += 1
                spacing[axis] *= 2
                size[axis] = (size[axis] / 2).rounded(.up)
            }
            strides.append(axes.map { pooled.contains($0) ? 2 : 1 })
            kernelSizes.append(kernel)
        }
        kernelSizes.append(spacing.map { _ in 3 })
        divisibleBy = poolings.map { 1 << $0 }
        patchSize = zip(patch, divisibleBy).map { length, divisor in
            let remainder = length.truncatingRemainder(dividingBy: Double(divisor))
            return Int(remainder == 0 ? length : length + Double(divisor) - remainder)
        }
    }
}
