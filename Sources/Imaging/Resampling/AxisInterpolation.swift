/// Which source voxels, with which weights, make each voxel of a resized axis. Half-voxel centres: target i lies at
/// (i + ½)·in/out − ½ of the source.
struct AxisInterpolation {
    enum Kernel {
        /// The source voxel that the target's centre falls into.
        case nearest
        /// Linear between neighbours, the edge repeated.
        case linear
        /// Cubic B-spline over coefficients (see `CubicSpline`), which are padded by 12 on both sides.
        case cubic
    }

    /// First source index of each target; for cubic an index into the padded coefficients.
    let first: [Int]
    /// `taps` weights per target.
    let weights: [Double]
    let taps: Int

    init(from source: Int, to target: Int, _ kernel: Kernel) {
        let scale = Double(source) / Double(target)
        var first: [Int] = []
        var weights: [Double] = []
        for index in 0..<target {
            let position = (Double(index) + 0.5) * scale - 0.5
            switch kernel {
            case .nearest:
                first.append(max(0, min(source - 1, Int(((Double(index) + 0.5) * scale).rounded(.down)))))
                weights.append(1)
            case .linear:
                let clamped = max(0, min(Double(source - 1), position))
                let lower = min(Int(clamped), max(0, source - 2))
                let fraction = clamped - Double(lower)
                first.append(lower)
                weights += source == 1 ? [1, 0] : [1 - fraction, fraction]
            case .cubic:
                let floor = position.rounded(.down)
                let t = position - floor
                first.append(Int(floor) - 1 + CubicSpline.padding)
                let u = 1 - t
                weights += [
                    u * u * u / 6, (4 - 6 * t * t + 3 * t * t * t) / 6, (4 - 6 * u * u + 3 * u * u * u) / 6,
                    t * t * t / 6,
                ]
            }
        }
        self.first = first
        self.weights = weights
        taps = kernel == .nearest ? 1 : kernel == .linear ? 2 : 4
    }
}

/// The recursive filter that turns samples into the coefficients of a cubic B-spline: Unser 1999, doi 10.1109/79.799930.
enum CubicSpline {
    /// SciPy repeats the edge this often before it filters, for its mode "nearest".
    static let padding = 12
    private static let pole = -0.267949192431122706472553658494127633  // √3 − 2

    /// Filters `width` lines side by side, in place: `lines[i * width + c]` is sample i of line c. Mirrored at the ends.
    static func filter(_ lines: UnsafeMutablePointer<Double>, length: Int, width: Int) {
        let horizon = min(length, 40)
        for c in 0..<width {
            var sum = 0.0
            var factor = 1.0
            for i in 0..<horizon {
                sum += factor * lines[i * width + c]
                factor *= pole
            }
            lines[c] = sum
        }
        for i in 1..<length {
            let row = lines + i * width
            let before = row - width
            for c in 0..<width { row[c] += pole * before[c] }
        }
        let last = lines + (length - 1) * width
        let beforeLast = last - width
        for c in 0..<width { last[c] = (pole * beforeLast[c] + last[c]) * pole / (pole * pole - 1) }
        for i in stride(from: length - 2, through: 0, by: -1) {
            let row = lines + i * width
            let after = row + width
            for c in 0..<width { row[c] = pole * (after[c] - row[c]) }
        }
        for i in 0..<length * width { lines[i] *= 6 }
    }
}
