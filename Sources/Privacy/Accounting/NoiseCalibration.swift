/// How much noise keeps a budget.
public enum NoiseCalibration {
    /// The smallest σ, in multiples of the clipping norm, to a ten-thousandth and from above, with which so many steps
    /// cost at most ε.
    ///
    /// - Parameter rate: with which a record takes part in a step; 1 where all do.
    /// - Throws: `PrivacyError.setting` where no σ does.
    public static func noiseMultiplier(
        epsilon: Double, delta: Double, rate: Double = 1, steps: Int, accountant: Accountant = .renyi
    ) throws -> Double {
        guard rate > 0 else { throw PrivacyError.setting("With a sampling rate of \(rate) nothing is trained.") }
        return try smallest(epsilon: epsilon, delta: delta, steps: steps, accountant: accountant) {
            try .sampledGaussian(rate: rate, noiseMultiplier: $0)
        }
    }

    /// The smallest scale of Laplace noise, in multiples of the sensitivity in L1, likewise.
    ///
    /// - Throws: `PrivacyError.setting` where none does.
    public static func laplaceScale(
        epsilon: Double, delta: Double, steps: Int, accountant: Accountant = .renyi
    ) throws -> Double {
        try smallest(epsilon: epsilon, delta: delta, steps: steps, accountant: accountant) { try .laplace(scale: $0) }
    }

    private static func smallest(
        epsilon: Double, delta: Double, steps: Int, accountant: Accountant, _ event: (Double) throws -> PrivacyEvent
    ) throws -> Double {
        try AnalyticGaussian.check(delta: delta)
        guard epsilon > 0, epsilon.isFinite else {
            throw PrivacyError.setting("An ε to be kept must be a number above 0, not \(epsilon).")
        }
        guard steps > 0 else { throw PrivacyError.setting("A plan has at least one step, not \(steps).") }
        func keeps(_ sigma: Double, _ accountant: Accountant) throws -> Bool {
            let event = try event(sigma).composed(steps)
            return accountant.epsilon(of: [event], at: delta) <= epsilon
        }
        func smallest(_ accountant: Accountant, low: Double, high: Double) throws -> Double {
            var (low, high) = (low, high)
            while try !keeps(high, accountant) {
                (low, high) = (high, 2 * high)
                guard high <= 1e6 else {
                    throw PrivacyError.setting(
                        "No noise keeps ε \(epsilon) at δ \(delta) over \(steps) steps: allow more, or train less.")
                }
            }
            while low > 1e-2, try keeps(low, accountant) { (low, high) = (low / 2, low) }
            while high - low > 1e-4 * high {
                let middle = 0.5 * (low + high)
                if try keeps(middle, accountant) { high = middle } else { low = middle }
            }
            return high
        }
        let renyi = try smallest(.renyi, low: 0.5, high: 1)
        return accountant == .renyi
            ? renyi : try smallest(accountant, low: max(1e-2, 0.9 * renyi), high: renyi)
    }
}
