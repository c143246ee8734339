#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// Where each voxel of a patch is looked up in a larger patch about the same centre: an affine map of indices.
///
/// Axes are (z, y, x); of slices, z stays as it is.
struct AffineGrid {
    /// The position of voxel (0, 0, 0).
    var origin: SIMD3<Double>
    /// How the position changes with a step along z, y and x.
    var steps: (z: SIMD3<Double>, y: SIMD3<Double>, x: SIMD3<Double>)

    /// - Parameters:
    ///   - angles: three angles about z, y and x, or, for slices, two of which the last counts.
    ///   - scales: as many; above one, objects become smaller.
    ///   - mirrored: per axis of three, whether the patch is flipped after the sampling.
    init(
        angles: [Double], scales: [Double], patch: SIMD3<Int>, initial: SIMD3<Int>,
        mirrored: [Bool] = [false, false, false]
    ) {
        typealias Matrix = (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>)  // columns
        func apply(_ m: Matrix, _ v: SIMD3<Double>) -> SIMD3<Double> { m.0 * v[0] + m.1 * v[1] + m.2 * v[2] }
        func times(_ a: Matrix, _ b: Matrix) -> Matrix { (apply(a, b.0), apply(a, b.1), apply(a, b.2)) }
        var matrix: Matrix
        if angles.count == 2 {
            let (c, s) = (cos(angles[1]), sin(angles[1]))
            matrix = (
                SIMD3(1, 0, 0), SIMD3(0, c, s) * scales[0], SIMD3(0, -s, c) * scales[1]
            )
        } else {
            let (c0, s0) = (cos(angles[0]), sin(angles[0]))
            let (c1, s1) = (cos(angles[1]), sin(angles[1]))
            let (c2, s2) = (cos(angles[2]), sin(angles[2]))
            let first: Matrix = (SIMD3(1, 0, 0), SIMD3(0, c0, s0), SIMD3(0, -s0, c0))
            let second: Matrix = (SIMD3(c1, 0, -s1), SIMD3(0, 1, 0), SIMD3(s1, 0, c1))
            let third: Matrix = (SIMD3(c2, s2, 0), SIMD3(-s2, c2, 0), SIMD3(0, 0, 1))
            matrix = times(third, times(second, first))
            matrix.0 *= scales[0]
            matrix.1 *= scales[1]
            matrix.2 *= scales[2]
        }
        let last = SIMD3(Double(patch[0] - 1), Double(patch[1] - 1), Double(patch[2] - 1))
        let centre = SIMD3(Double(initial[0] - 1), Double(initial[1] - 1), Double(initial[2] - 1)) / 2
        origin = centre - apply(matrix, last / 2)
        steps = (matrix.0, matrix.1, matrix.2)
        if mirrored[0] {
            origin += steps.z * last[0]
            steps.z = -steps.z
        }
        if mirrored[1] {
            origin += steps.y * last[1]
            steps.y = -steps.y
        }
        if mirrored[2] {
            origin += steps.x * last[2]
            steps.x = -steps.x
        }
    }

    /// The voxels from which a patch may draw: lower and upper corner, not yet cut at any border.
    func reach(of patch: SIMD3<Int>) -> (lower: SIMD3<Int>, upper: SIMD3<Int>) {
        var low = origin
        var high = origin
        for (step, count) in [(steps.z, patch[0]), (steps.y, patch[1]), (steps.x, patch[2])] {
            let end = step * Double(count - 1)
            low += end.replacing(with: 0, where: end .> 0)
            high += end.replacing(with: 0, where: end .< 0)
        }
        var (lower, upper) = (SIMD3<Int>(), SIMD3<Int>())
        for axis in 0..<3 {
            lower[axis] = Int((low[axis] - 1e-3).rounded(.down))
            upper[axis] = Int((high[axis] + 1e-3).rounded(.down)) + 2
        }
        return (lower, upper)
    }

    /// The position of the first voxel of a row.
    @inline(__always)
    func row(z: Int, y: Int) -> SIMD3<Double> { origin + steps.z * Double(z) + steps.y * Double(y) }
}
