#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// How large a patch must be cut so that its rotated and scaled middle still finds voxels.
public enum InitialPatchSize {
    /// The element-wise largest extent of the patch's diagonal, turned about each axis by `rotation`, over the smallest
    /// scale; nnU-Net's rule, which does not cover the corners of composed rotations.
    ///
    /// - Parameters:
    ///   - patchSize: two or three axes, in voxels.
    ///   - rotation: the largest angle, in radians; a quarter turn is the most that counts.
    ///   - smallestScale: nnU-Net takes 0.85, although it scales from 0.7.
    public static func covering(patchSize: [Int], rotation: Double, smallestScale: Double) -> [Int] {
        let angle = min(Double.pi / 2, rotation)
        let (c, s) = (cos(angle), sin(angle))
        let size = patchSize.map(Double.init)
        var extent = size
        /// The diagonal turned in the plane of two axes.
        func turn(_ first: Int, _ second: Int) {
            let (a, b) = (size[first], size[second])
            extent[first] = max(extent[first], abs(a * c + b * s))
            extent[second] = max(extent[second], abs(b * c - a * s))
        }
        if size.count == 3 {
            turn(1, 2)
            turn(2, 0)
            turn(0, 1)
        } else if size.count == 2 {
            turn(0, 1)
        }
        return extent.map { Int($0 / smallestScale) }
    }
}
