#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension SparseVector {
    /// Of FLARE's two programs under this name.
    public enum Form: String, Sendable, CaseIterable, Codable {
        /// Up to FLARE 2.7: adds noise first and clips then, so that it promises nothing.
        case legacy
        /// From FLARE 2.8 on: clips first, adds noise then, and splits ε.
        case flare28
    }

    /// FLARE's arguments under our names, with its defaults.
    public struct Settings: Sendable, Equatable {
        public var form = Form.flare28
        /// Share of the values that are chosen; above 0, up to 1.
        public var fraction = 0.1
        /// Of the choice: of the threshold alone in `legacy`, of threshold and choice together in `flare28`.
        public var epsilon = 0.1
        /// FLARE's `noise_var`, which is no variance: each value that is sent gets noise of scale 2·gamma / noiseVariance.
        public var noiseVariance = 0.1
        /// Values, divided by the steps, are clipped to ±gamma.
        public var gamma = 1e-5
        /// The threshold without noise.
        public var tau = 1e-6
        /// Whether values are drawn with replacement: then fewer than `fraction` are sent.
        public var replace = true
        /// `flare28` alone: the parts of `epsilon` for threshold and choice, and the ε of all values sent together.
        public var epsilonThreshold: Double?
        public var epsilonQuery: Double?
        public var epsilonRelease: Double?

        public init() {}

        /// - Throws: `PrivacyError.setting`.
        public func validate() throws {
            func require(_ condition: Bool, _ text: String) throws {
                if !condition { throw PrivacyError.setting("The filter sparse-vector: " + text) }
            }
            func positive(_ value: Double?, _ name: String) throws {
                guard let value else { return }
                try require(value > 0 && value.isFinite, "\(name) must be above 0 and finite, not \(value).")
            }
            try require(fraction > 0 && fraction <= 1, "fraction must be above 0 and at most 1, not \(fraction).")
            try positive(epsilon, "epsilon")
            try positive(noiseVariance, "noise_var")
            try positive(gamma, "gamma")
            try require(tau.isFinite, "tau must be finite, not \(tau).")
            let parts = [epsilonThreshold, epsilonQuery, epsilonRelease]
            try require(
                form == .flare28 || parts.allSatisfy { $0 == nil },
                "epsilon_threshold, epsilon_query and epsilon_release belong to the form flare28; leave them out, or "
                    + "choose it.")
            try positive(epsilonThreshold, "epsilon_threshold")
            try positive(epsilonQuery, "epsilon_query")
            try positive(epsilonRelease, "epsilon_release")
            for (part, name) in [(epsilonThreshold, "epsilon_threshold"), (epsilonQuery, "epsilon_query")] {
                if let part {
                    try require(part < epsilon, "\(name) is a part of epsilon: it must be below \(epsilon).")
                }
            }
            if let a = epsilonThreshold, let b = epsilonQuery {
                // As NumPy's isclose.
                try require(
                    abs(a + b - epsilon) <= 1e-8 + 1e-5 * epsilon,
                    "epsilon_threshold and epsilon_query add up to \(a + b), and must add up to epsilon, \(epsilon).")
            }
        }
    }

    /// How much noise goes where, for an update of so many values.
    package struct Scales: Equatable {
        /// Values to be chosen, FLARE's n.
        package var kept: Int
        /// Scales of Laplace noise: on the threshold, on each comparison with it, on each value that is sent.
        package var threshold: Double
        package var query: Double
        package var release: Double
        /// What FLARE's accounting books: pure ε of threshold, choice and release.
        package var epsilonThreshold: Double
        package var epsilonQuery: Double
        package var epsilonRelease: Double
    }
}

extension SparseVector.Settings {
    package func scales(values: Int) -> SparseVector.Scales {
        let kept = min((Double(values) * fraction).rounded(.up), Double(values))
        let ratio = pow(2 * kept, 2.0 / 3.0)
        switch form {
        case .legacy:
            let query = epsilon * ratio
            return SparseVector.Scales(
                kept: Int(kept), threshold: 2 * gamma / epsilon, query: 4 * gamma * kept / query,
                release: 2 * gamma / noiseVariance, epsilonThreshold: epsilon, epsilonQuery: query,
                epsilonRelease: kept * noiseVariance)
        case .flare28:
            let threshold = epsilonThreshold ?? epsilonQuery.map { epsilon - $0 } ?? epsilon / (1 + ratio)
            let query = epsilonQuery ?? epsilon - threshold
            let release = epsilonRelease ?? kept * noiseVariance
            return SparseVector.Scales(
                kept: Int(kept), threshold: gamma / threshold, query: 2 * gamma * kept / query,
                release: 2 * gamma * kept / release, epsilonThreshold: threshold, epsilonQuery: query,
                epsilonRelease: release)
        }
    }
}
