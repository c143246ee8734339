import Imaging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An axis: the range that it covers and its ticks at round numbers (1, 2 or 5 times a power of ten).
struct Scale {
    let low: Double
    let high: Double
    let step: Double
    let ticks: [Double]

    /// - Parameters:
    ///   - count: about how many ticks there are.
    ///   - wholeNumbers: no tick lies between two whole numbers.
    init(covering range: ClosedRange<Double>, count: Int, wholeNumbers: Bool = false) {
        var (low, high) = (range.lowerBound, range.upperBound)
        if !(high - low > 1e-9 * max(abs(low), abs(high))) {
            let margin = low == 0 ? 1 : abs(low) * 0.1
            (low, high) = (low - margin, high + margin)
        }
        ticks = LinePlot.ticks(over: low...high, count: count, wholeNumbers: wholeNumbers)
        step = ticks[1] - ticks[0]
        self.low = ticks[0]
        self.high = ticks[ticks.count - 1]
    }

    /// Where a value lies between the ends: 0 is low, 1 is high.
    func share(of value: Double) -> Double { (value - low) / (high - low) }

    /// A tick's number with as many decimals as the step needs.
    func label(_ tick: Double) -> String {
        if max(abs(tick), step) >= 1e6 {
            let exponent = Int(log10(max(abs(tick), step)).rounded(.down))
            return tick == 0 ? "0" : Quantity.decimal(tick / pow(10, Double(exponent)), 1) + "e\(exponent)"
        }
        return Quantity.decimal(tick, max(0, min(9, Int((-log10(step) - 1e-9).rounded(.up)))))
    }
}
