#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The standard normal distribution.
enum NormalDistribution {
    /// P(X ≤ x).
    static func cumulative(_ x: Double) -> Double { 0.5 * erfc(-x * 0.5.squareRoot()) }

    /// ln P(X ≤ x), also where the probability is below the smallest double.
    static func logCumulative(_ x: Double) -> Double {
        if x > -26 { return log(cumulative(x)) }
        // The divergent series, whose sixth term is below 1e-12 here.
        let s = 1 / (x * x)
        let series = 1 - s * (1 - 3 * s * (1 - 5 * s * (1 - 7 * s * (1 - 9 * s))))
        return -0.5 * x * x - log(-x) - 0.5 * log(2 * Double.pi) + log(series)
    }

    /// P(a < X ≤ b), from the nearer tail.
    static func mass(_ a: Double, _ b: Double) -> Double {
        guard a < b else { return 0 }
        return a > 0 ? cumulative(-a) - cumulative(-b) : cumulative(b) - cumulative(a)
    }
}

/// ln(eᵃ + eᵇ).
func logAdd(_ a: Double, _ b: Double) -> Double {
    let (low, high) = a < b ? (a, b) : (b, a)
    if low == -.infinity || high == .infinity { return high }
    return high + log1p(exp(low - high))
}

/// eˣ, where no mathematics is imported.
func exponential(_ x: Double) -> Double { exp(x) }
