/// The most that may be spent on any one record, or on a site: ε at a δ.
public struct PrivacyBudget: Sendable, Hashable, Codable {
    public let epsilon: Double
    public let delta: Double

    /// - Parameters:
    ///   - epsilon: at least 0; infinite where the site sets no cap and only wants to know.
    ///   - delta: well below one over the records.
    /// - Throws: `PrivacyError.setting`.
    public init(epsilon: Double, delta: Double) throws {
        guard epsilon >= 0 else { throw PrivacyError.setting("A cap of ε \(epsilon) makes no sense: give 0 or above.") }
        try AnalyticGaussian.check(delta: delta)
        (self.epsilon, self.delta) = (epsilon, delta)
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            epsilon: try values.decode(Double.self, forKey: .epsilon),
            delta: try values.decode(Double.self, forKey: .delta))
    }
}

/// What a guarantee is about.
public enum PrivacyUnit: String, Sendable, Hashable, Codable, CaseIterable {
    /// A case, or a patient with all its cases: whether it was trained on.
    case record
    /// A whole site: whether it took part.
    case site
}

/// What leaves a site without noise, for which no ε holds.
public enum PlainRelease: String, Sendable, Hashable, Codable, CaseIterable {
    case fingerprint
    /// Losses and scores.
    case metrics
    /// How many cases and steps.
    case counts
    /// A model or an update that no noise protects.
    case model
    /// Training whose noise follows from a seed.
    case seededNoise = "seeded-noise"
}
