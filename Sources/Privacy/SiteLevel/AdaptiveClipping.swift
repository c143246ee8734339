/// A clipping norm that follows a quantile of the sites' norms; Andrew et al. 2021, arXiv:1905.03871.
///
/// Each site tells, with noise, whether its norm was within the bound; C ← C·e^(−η(b − γ)), b the part that was.
public struct AdaptiveClipping: Sendable, Equatable, Codable {
    /// γ: the part of the sites that shall be within the bound.
    public var quantile: Double
    /// η.
    public var learningRate: Double
    /// The standard deviation of the noise in the sum of the sites' bits.
    public var bitNoise: Double
    /// As many sites make that noise together, for a server that they trust; from fewer, the norm does not move. Where
    /// sites share the noise of updates, each bit has all of it.
    public var fewestSites: Int

    public init(quantile: Double = 0.5, learningRate: Double = 0.2, bitNoise: Double, fewestSites: Int) {
        self.quantile = quantile
        self.learningRate = learningRate
        self.bitNoise = bitNoise
        self.fewestSites = fewestSites
    }

    /// - Throws: `PrivacyError.setting`.
    public func validate() throws {
        guard quantile > 0, quantile < 1 else {
            throw PrivacyError.setting("A quantile of norms lies between 0 and 1; \(quantile) does not.")
        }
        guard learningRate.isFinite, learningRate > 0 else {
            throw PrivacyError.setting("The clipping norm needs a learning rate above 0, not \(learningRate).")
        }
        guard fewestSites > 0 else {
            throw PrivacyError.setting("At least one site makes the noise of the bits, not \(fewestSites).")
        }
        _ = try PrivacyEvent.gaussian(2 * bitNoise)
    }
}
