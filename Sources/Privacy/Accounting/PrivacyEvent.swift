/// A use of noise that costs privacy, and how often it was made.
public struct PrivacyEvent: Sendable, Hashable, Codable {
    /// Noise of one release. Its scale is a multiple of what one record, or one site, can change: its sensitivity.
    public enum Mechanism: Sendable, Hashable, Codable {
        /// Normal noise whose standard deviation is so many times the sensitivity in L2.
        case gaussian(noiseMultiplier: Double)
        /// The same, on a sum in which each record takes part by chance, each by itself: Poisson sampling.
        case sampledGaussian(rate: Double, noiseMultiplier: Double)
        /// Laplace noise whose scale is so many times the sensitivity in L1.
        case laplace(scale: Double)
    }

    public let mechanism: Mechanism
    public let count: Int

    /// - Throws: `PrivacyError.setting` where a scale, a rate or the count makes no sense.
    public init(_ mechanism: Mechanism, count: Int = 1) throws {
        (self.mechanism, self.count) = (mechanism, count)
        try validate()
    }

    public static func gaussian(_ noiseMultiplier: Double) throws -> Self {
        try Self(.gaussian(noiseMultiplier: noiseMultiplier))
    }

    public static func sampledGaussian(rate: Double, noiseMultiplier: Double) throws -> Self {
        try Self(.sampledGaussian(rate: rate, noiseMultiplier: noiseMultiplier))
    }

    public static func laplace(scale: Double) throws -> Self { try Self(.laplace(scale: scale)) }

    /// This event, so many times.
    public func composed(_ count: Int) throws -> Self {
        let (product, overflow) = self.count.multipliedReportingOverflow(by: count)
        return try Self(mechanism, count: overflow ? -1 : product)
    }

    /// The largest count: what is computed in double precision stays exact.
    public static let mostSteps = 1 << 40

    /// - Throws: `PrivacyError.setting`.
    public func validate() throws {
        guard (0...Self.mostSteps).contains(count) else {
            throw PrivacyError.setting(
                "A release cannot happen \(count) times: give a number from 0 to \(Self.mostSteps).")
        }
        func check(scale: Double) throws {
            guard scale.isFinite, scale >= 1e-3, scale <= 1e9 else {
                throw PrivacyError.setting(
                    "Noise of \(scale) times the sensitivity cannot be accounted: give a number from 0.001 to 1000000000."
                )
            }
        }
        switch mechanism {
        case .gaussian(let scale), .laplace(let scale): try check(scale: scale)
        case .sampledGaussian(let rate, let scale):
            try check(scale: scale)
            guard rate.isFinite, rate >= 0, rate <= 1 else {
                throw PrivacyError.setting("A sampling rate lies between 0 and 1; \(rate) does not.")
            }
        }
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            try values.decode(Mechanism.self, forKey: .mechanism), count: try values.decode(Int.self, forKey: .count))
    }
}

extension Sequence<PrivacyEvent> {
    /// Counts by mechanism, without what costs nothing. Sampling of everything is none.
    var merged: [PrivacyEvent.Mechanism: Int] {
        var counts: [PrivacyEvent.Mechanism: Int] = [:]
        for event in self where event.count > 0 {
            switch event.mechanism {
            case .sampledGaussian(let rate, _) where rate == 0: continue
            case .sampledGaussian(let rate, let multiplier) where rate == 1:
                counts[.gaussian(noiseMultiplier: multiplier), default: 0] += event.count
            default: counts[event.mechanism, default: 0] += event.count
            }
        }
        return counts
    }
}
