import Federation

/// Hides whether a site took part: its whole difference is clipped, and the sum of all has noise; McMahan et al. 2018,
/// arXiv:1710.06963.
public struct SiteLevelSettings: Sendable, Equatable, Codable {
    public enum Noise: Sendable, Equatable, Codable {
        /// The server adds it to the mean. Sites must trust it, and the way to it.
        case server
        /// Every site adds a part, such that the sum over this many reaches the target; more only add to it.
        ///
        /// It holds against who sees the sum alone: a server that sees each update needs a secure sum before it. Against
        /// sites that tell each other their noise, count only those that do not.
        case shared(fewestSites: Int)
    }

    public enum Mechanism: String, Sendable, Codable, CaseIterable {
        /// Differences are clipped in L2.
        case gaussian
        /// Differences are clipped in L1. The server adds the noise: parts of it would not add up to Laplace noise.
        case laplace

        /// What its scale is called.
        public var symbol: String { self == .gaussian ? "σ" : "b" }
    }

    /// What becomes of tensors that are no differences, such as counters: neither clipped nor noised.
    public enum OtherTensors: String, Sendable, Equatable, Codable {
        case refused
        /// They leave as they are, and no promise holds for them.
        case passed
    }

    /// The largest norm of a site's difference, in the mechanism's own; the first one where it adapts.
    public var clippingNorm: Double
    /// σ, or the scale b of Laplace noise, in multiples of what one site can change in the weighted sum.
    public var noiseMultiplier: Double
    public var mechanism = Mechanism.gaussian
    public var noise: Noise
    public var otherTensors = OtherTensors.refused
    /// By site, agreed before the run; nil for equal ones.
    public var weights: [String: Double]?
    public var adaptive: AdaptiveClipping?

    public init(
        clippingNorm: Double, noiseMultiplier: Double, noise: Noise, otherTensors: OtherTensors = .refused,
        weights: [String: Double]? = nil, adaptive: AdaptiveClipping? = nil
    ) {
        self.clippingNorm = clippingNorm
        self.noiseMultiplier = noiseMultiplier
        self.noise = noise
        self.otherTensors = otherTensors
        self.weights = weights
        self.adaptive = adaptive
    }

    /// What a round costs every site.
    public var events: [PrivacyEvent] {
        get throws {
            var events = [try event(noiseMultiplier)]
            // A bit that is half above or below 0 changes a sum by 1/2.
            if let adaptive { events.append(try .gaussian(2 * adaptive.bitNoise)) }
            return events
        }
    }

    private func event(_ noise: Double) throws -> PrivacyEvent {
        switch mechanism {
        case .gaussian: try .gaussian(noise)
        case .laplace: try .laplace(scale: noise)
        }
    }

    /// - Throws: `PrivacyError.setting`.
    public func validate() throws {
        guard clippingNorm.isFinite, clippingNorm > 0 else {
            throw PrivacyError.setting("The clipping norm must be a number above 0, not \(clippingNorm).")
        }
        _ = try events
        switch mechanism {
        case .gaussian: _ = try GaussianNoise.covering(sensitivity: clippingNorm, noiseMultiplier: noiseMultiplier)
        case .laplace:
            _ = try LaplaceNoise.covering(sensitivity: clippingNorm, noiseMultiplier: noiseMultiplier)
            guard noise == .server else {
                throw PrivacyError.setting(
                    "Parts of Laplace noise do not add up to Laplace noise: let the server make it, or take Gaussian noise."
                )
            }
        }
        if case .shared(let sites) = noise, sites < 1 {
            throw PrivacyError.setting("Noise is shared among at least one site, not \(sites).")
        }
        for (site, weight) in weights ?? [:] where !(weight.isFinite && weight > 0) {
            throw PrivacyError.setting("The weight of \(site) must be a number above 0, not \(weight).")
        }
        try adaptive?.validate()
    }

    /// Whether a strategy keeps what these settings promise.
    ///
    /// - Throws: `PrivacyError.setting`, with what to change.
    public func check(_ strategy: Strategy) throws {
        try validate()
        guard strategy.content == .difference else { throw Self.needsDifference }
        let rule: SiteWeighting.Rule = weights.map { .given($0) } ?? .uniform
        guard strategy.weighting == SiteWeighting(rule) else {
            throw PrivacyError.setting(
                "With privacy of sites, a site's weight must not follow from its data: weight all sites equally, or by "
                    + "numbers agreed before the run.")
        }
        guard !strategy.keepsModelOfEachModality else {
            throw PrivacyError.setting(
                "A model of each modality is a mean without noise of its own. Do without it where sites are protected.")
        }
        let isMean =
            strategy.aggregator is SiteLevelMean
            || noise != .server && (strategy.aggregator is WeightedMean || strategy.aggregator is CKKSSum)
        guard isMean else {
            throw PrivacyError.setting(
                "Privacy of sites needs the weighted mean with its noise (SiteLevelMean), and no other aggregation.")
        }
        if case .shared(let sites) = noise, strategy.minimumSites < sites {
            throw PrivacyError.setting(
                "The noise is shared among \(sites) sites, and a round may end with \(strategy.minimumSites): set the "
                    + "minimum of sites to \(sites).")
        }
    }

    /// The standard deviation of the noise that one site makes, where sites share it: of the one that makes most.
    public var largestPart: Double? {
        guard case .shared(let sites) = noise else { return nil }
        let weights = weights.map { Array($0.values) } ?? [1]
        let ratio = (weights.max() ?? 1) / (weights.min() ?? 1)
        return noiseMultiplier * clippingNorm * ratio / Double(sites).squareRoot()
    }

    static let needsDifference = PrivacyError.setting(
        "Only a difference can be clipped to hide a site: weights hold the whole model. Let sites send differences "
            + "(content: difference).")

    /// Of the largest weight, one of the sites; 1 where they are equal.
    func relativeWeight(of site: String) throws -> Double {
        guard let weights, let largest = weights.values.max() else { return 1 }
        guard let own = weights[site] else {
            throw PrivacyError.setting("No weight was agreed for \(site): give one for every site.")
        }
        return own / largest
    }
}
