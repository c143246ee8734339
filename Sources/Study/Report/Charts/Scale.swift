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
        let rough = (high - low) / Double(max(1, count))
        let power = pow(10, log10(rough).rounded(.down))
        let share = rough / power
        let wanted = power * (share <= 1.0001 ? 1 : share <= 2.0001 ? 2 : share <= 5.0001 ? 5 : 10)
        let step = wholeNumbers ? max(1, wanted.rounded()) : wanted
        let first = (low / step + 1e-9).rounded(.down)
        let last = max(first + 1, (high / step - 1e-9).rounded(.up))
        self.step = step
        ticks = stride(from: first, through: last, by: 1).map { $0 * step }
        self.low = first * step
        self.high = last * step
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
