/// A site's values as integers modulo 2³², so that the weighted sum over all sites fits.
///
/// A value x, cut to ±range, becomes round(x · weight · scale) with scale = (2³¹ − 1 − sites) / range; the weights of all sites
/// add up to 1, so their sum stays within ±(2³¹ − 1). Rounding is to the nearest, ties to even: the step of the sum, range / 2³¹,
/// is below float32's own at the range, so that chance in the rounding would mend nothing.
struct FixedPoint: Sendable, Equatable {
    /// What is cut off at a site: values beyond ±range.
    let range: Double
    let scale: Double

    /// For float tensors and, by `ofIntegers`, for whole numbers: these may count up to 2²⁴.
    static let rangeOfIntegers = 16_777_216.0

    init(range: Double, sites: Int) {
        self.range = range
        scale = (2_147_483_647 - Double(sites)) / range
    }

    /// - Parameter weight: the site's share of all weights, 0 to 1.
    /// - Returns: how many values were cut; nil where one is NaN or infinite.
    func encode(
        _ values: UnsafeBufferPointer<Float>, weight: Double, into words: UnsafeMutablePointer<UInt32>
    ) -> Int? {
        encode(values, weight: weight, into: words) { Double($0) }
    }

    func encode(
        _ values: UnsafeBufferPointer<Double>, weight: Double, into words: UnsafeMutablePointer<UInt32>
    ) -> Int? {
        encode(values, weight: weight, into: words) { $0 }
    }

    @inline(__always)
    private func encode<Value>(
        _ values: UnsafeBufferPointer<Value>, weight: Double, into words: UnsafeMutablePointer<UInt32>,
        _ double: (Value) -> Double
    ) -> Int? {
        let factor = weight * scale
        // Added to a number, this leaves its nearest integer in the lowest bits.
        let rounder = 0x1.8p52
        var (cut, bad) = (0, 0)
        for i in 0..<values.count {
            let value = double(values[i])
            let isWide = abs(value) > range
            cut &+= isWide ? 1 : 0
            bad &+= value - value == 0 ? 0 : 1
            let inside = isWide ? (value < 0 ? -range : range) : value
            words[i] = UInt32(truncatingIfNeeded: (inside * factor + rounder).bitPattern)
        }
        return bad == 0 ? cut : nil
    }

    /// - Parameter weight: the share of all weights that the sum's sites have.
    func decode(_ sum: UInt32, weight: Double) -> Double { Double(Int32(bitPattern: sum)) / (scale * weight) }
}
