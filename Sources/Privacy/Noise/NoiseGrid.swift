/// The grid on which noise and what it is added to lie: multiples of a power of two.
///
/// Values are rounded to it before the noise is added, and the sum of both is exact. So what leaves depends on the rounded
/// values and on noise whose probabilities are known, not on the gaps between floating-point numbers (Mironov 2012). To
/// round changes each of d values by half a step at most, and the sensitivity in L2 by √d steps.
enum NoiseGrid {
    /// The binary logarithm of how many steps a standard deviation has at least; less than twice as many.
    static let fineness = 32
    /// The same of the scale of Laplace noise: roundings add up in L1, value by value.
    static let finenessOfLaplace = 40

    /// The largest power of two of which a scale has 2³², or 2 to the power of another fineness, or more.
    static func step(_ scale: Double, fineness: Int = fineness) -> Double {
        precondition(scale.isNormal && scale > 0x1p-900 && scale < 0x1p900, "noise of no scale")
        return Double(sign: .plus, exponent: scale.exponent - fineness, significand: 1)
    }

    /// A value in steps, within what an Int64 holds with its noise.
    @inline(__always)
    static func rounded(_ value: Double, steps: Double) -> Int64 {
        Int64(max(-0x1p61, min(0x1p61, (value * steps).rounded(.toNearestOrEven))))
    }
}
