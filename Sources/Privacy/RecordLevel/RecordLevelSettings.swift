/// DP-SGD as a run asks for it; Abadi et al. 2016, arXiv:1607.00133.
public struct RecordLevelSettings: Sendable, Equatable, Codable {
    /// How much noise.
    public enum Noise: Sendable, Equatable, Codable {
        /// In multiples of the clipping norm.
        case multiplier(Double)
        /// As much as keeps this ε over all steps.
        case epsilon(Double)
    }

    /// The largest L2 norm of one record's gradient.
    public var clippingNorm: Double
    /// How many records take part in a step on average.
    public var expectedBatch: Double
    public var noise: Noise
    public var delta: Double
    /// Of all rounds together.
    public var steps: Int
    public var accountant: Accountant

    public init(
        clippingNorm: Double = 1, expectedBatch: Double, noise: Noise, delta: Double, steps: Int,
        accountant: Accountant = .renyi
    ) {
        self.clippingNorm = clippingNorm
        self.expectedBatch = expectedBatch
        self.noise = noise
        self.delta = delta
        self.steps = steps
        self.accountant = accountant
    }

    /// - Throws: `PrivacyError.setting`.
    public func validate(records: Int) throws {
        try AnalyticGaussian.check(delta: delta)
        guard clippingNorm.isFinite, clippingNorm > 0 else {
            throw PrivacyError.setting("The clipping norm must be a number above 0, not \(clippingNorm).")
        }
        guard records > 0 else { throw PrivacyError.setting("There are no records to train on.") }
        guard expectedBatch.isFinite, expectedBatch > 0, expectedBatch <= Double(records) else {
            throw PrivacyError.setting(
                "\(shown(expectedBatch)) records cannot take part in a step on average: there are \(records). Set a "
                    + "smaller batch.")
        }
        guard steps > 0 else { throw PrivacyError.setting("A run has at least one step, not \(steps).") }
        guard delta < 1 / Double(records) else {
            throw PrivacyError.setting(
                "δ \(shown(delta)) would let one of \(records) records be given away whole: set one well below "
                    + "\(shown(1 / Double(records), digits: 2)).")
        }
    }

    /// With which a record takes part in a step.
    public func rate(records: Int) -> Double { min(1, expectedBatch / Double(records)) }

    /// σ, in multiples of the clipping norm.
    ///
    /// - Throws: `PrivacyError.setting`.
    public func noiseMultiplier(records: Int) throws -> Double {
        try validate(records: records)
        switch noise {
        case .multiplier(let sigma):
            _ = try PrivacyEvent.gaussian(sigma)
            return sigma
        case .epsilon(let epsilon):
            return try NoiseCalibration.noiseMultiplier(
                epsilon: epsilon, delta: delta, rate: rate(records: records), steps: steps, accountant: accountant)
        }
    }
}
