import Imaging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How much a tile's voxels count where tiles overlap: a Gaussian around the tile's centre, since predictions near a
/// border know less of their surroundings.
///
/// The values are nnU-Net's: SciPy's `gaussian_filter` (truncated at four standard deviations, an eighth of the patch
/// each) of a single one at `patch / 2`, scaled to a maximum of 10, rounded to half precision, and the smallest positive
/// value where that leaves zero.
public enum GaussianImportance {
    /// - Returns: the weights, of the patch's shape.
    public static func map(patchSize: [Int]) -> Volume<Float> {
        let axes = patchSize.map(profile)
        // SciPy filters axis after axis, so the product grows in that order.
        var values: [Double] = [1]
        for axis in axes {
            values = values.flatMap { outer in axis.map { outer * $0 } }
        }
        let scale = (values.max() ?? 1) / 10
        var weights = values.map { Float(Float16(Float($0 / scale))) }
        let smallest = weights.lazy.filter { $0 > 0 }.min() ?? 1
        for index in weights.indices where weights[index] == 0 { weights[index] = smallest }
        return Volume(shape: patchSize, elements: weights)
    }

    /// One axis of the filtered impulse.
    private static func profile(extent: Int) -> [Double] {
        let deviation = Double(extent) / 8
        let radius = Int(4 * deviation + 0.5)
        let kernel = (-radius...radius).map { exp(-0.5 / (deviation * deviation) * Double($0 * $0)) }
        let sum = kernel.reduce(0, +)
        return (0..<extent).map { position in
            let offset = position - extent / 2
            return abs(offset) <= radius ? kernel[offset + radius] / sum : 0
        }
    }
}
