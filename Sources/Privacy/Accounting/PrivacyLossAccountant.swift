#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Composes privacy loss distributions by Fourier transforms, in both directions, and takes the worse.
///
/// What it gives is an upper bound but for the rounding of doubles; at a δ below about 10⁻¹², more where there are many
/// steps, that is not known well enough, and ε is infinite.
public struct PrivacyLossAccountant: PrivacyAccountant {
    public static let name = "PLD"

    /// Of the grid of losses; wider where they span too many.
    public var interval = 1e-4
    private var counts: [PrivacyEvent.Mechanism: Int] = [:]

    public init() {}

    public mutating func compose(_ event: PrivacyEvent) {
        for (mechanism, count) in [event].merged { counts[mechanism, default: 0] += count }
    }

    public func epsilon(at delta: Double) -> Double {
        guard delta > 0, delta < 1 else { return delta >= 1 || counts.isEmpty ? 0 : .infinity }
        return distributions()?.map { $0.epsilon(at: delta) }.max() ?? (counts.isEmpty ? 0 : .infinity)
    }

    /// The δ that holds with an ε.
    public func delta(at epsilon: Double) -> Double {
        distributions()?.map { $0.delta(at: epsilon) }.max() ?? (counts.isEmpty ? 0 : 1)
    }

    /// One of either direction; nil of nothing, or where no grid holds it.
    private func distributions() -> [PrivacyLossDistribution]? {
        let parts = parts
        guard !parts.isEmpty else { return nil }
        var interval = interval
        widening: while interval < 10 {
            var result: [PrivacyLossDistribution] = []
            for direction in PrivacyLossDistribution.Direction.allCases {
                var losses: [(PrivacyLossDistribution, Int)] = []
                for (mechanism, count) in parts {
                    guard let loss = PrivacyLossDistribution(mechanism, direction, interval: interval) else {
                        interval *= 2
                        continue widening
                    }
                    losses.append((loss, count))
                }
                guard let composed = PrivacyLossDistribution.composed(losses) else {
                    interval *= 2
                    continue widening
                }
                result.append(composed)
            }
            return result
        }
        return nil
    }

    /// Gaussian releases together are one Gaussian release, exactly.
    private var parts: [(PrivacyEvent.Mechanism, Int)] {
        var precision = 0.0
        var parts: [(PrivacyEvent.Mechanism, Int)] = []
        for (mechanism, count) in counts {
            if case .gaussian(let sigma) = mechanism {
                precision += Double(count) / (sigma * sigma)
            } else {
                parts.append((mechanism, count))
            }
        }
        // In an order that does not change from run to run.
        parts.sort { $0.0.place.lexicographicallyPrecedes($1.0.place) }
        if precision > 0 { parts.append((.gaussian(noiseMultiplier: 1 / precision.squareRoot()), 1)) }
        return parts
    }
}

extension PrivacyEvent.Mechanism {
    /// Numbers that differ where mechanisms do.
    fileprivate var place: [Double] {
        switch self {
        case .gaussian(let sigma): [0, sigma]
        case .sampledGaussian(let rate, let sigma): [1, rate, sigma]
        case .laplace(let scale): [2, scale]
        }
    }
}
