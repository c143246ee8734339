#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What one Gaussian release costs, exactly; Balle & Wang 2018, arXiv:1805.06530.
public enum AnalyticGaussian {
    /// δ = Φ(1/2σ − εσ) − e^ε Φ(−1/2σ − εσ), σ in multiples of the sensitivity.
    public static func delta(noiseMultiplier sigma: Double, epsilon: Double) -> Double {
        let high = NormalDistribution.cumulative(0.5 / sigma - epsilon * sigma)
        let low = exp(epsilon + NormalDistribution.logCumulative(-0.5 / sigma - epsilon * sigma))
        return max(0, high - low)
    }

    /// The smallest ε that holds at a δ.
    ///
    /// - Throws: `PrivacyError.setting`.
    public static func epsilon(noiseMultiplier sigma: Double, delta: Double) throws -> Double {
        _ = try PrivacyEvent.gaussian(sigma)
        try check(delta: delta)
        if self.delta(noiseMultiplier: sigma, epsilon: 0) <= delta { return 0 }
        return bisection(above: { self.delta(noiseMultiplier: sigma, epsilon: $0) <= delta }, from: 1)
    }

    /// The smallest σ that keeps ε and δ.
    ///
    /// - Throws: `PrivacyError.setting`.
    public static func noiseMultiplier(epsilon: Double, delta: Double) throws -> Double {
        try check(delta: delta)
        guard epsilon >= 0, epsilon.isFinite else {
            throw PrivacyError.setting("ε must be a number of at least 0, not \(epsilon).")
        }
        return bisection(above: { self.delta(noiseMultiplier: $0, epsilon: epsilon) <= delta }, from: 1)
    }

    /// - Throws: `PrivacyError.setting` unless 0 < δ < 1.
    static func check(delta: Double) throws {
        guard delta > 0, delta < 1 else {
            throw PrivacyError.setting(
                "δ must lie between 0 and 1, well below one over the records; \(delta) does not.")
        }
    }

    /// The smallest positive number from which on something holds, to the last digits, from above.
    private static func bisection(above holds: (Double) -> Bool, from start: Double) -> Double {
        var (low, high) = (0.0, start)
        while !holds(high) { (low, high) = (high, 2 * high) }
        while high - low > 1e-12 * high {
            let middle = 0.5 * (low + high)
            if holds(middle) { high = middle } else { low = middle }
        }
        return high
    }
}
