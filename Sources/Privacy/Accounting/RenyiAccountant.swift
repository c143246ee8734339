#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Adds up Rényi divergences, order by order; Mironov 2017, arXiv:1702.07476.
public struct RenyiAccountant: PrivacyAccountant {
    public static let name = "Rényi"

    private var divergences = [Double](repeating: 0, count: RenyiDivergence.orders.count)

    public init() {}

    public mutating func compose(_ event: PrivacyEvent) {
        for (mechanism, count) in [event].merged {
            for (index, order) in RenyiDivergence.orders.enumerated() where divergences[index] < .infinity {
                divergences[index] += Double(count) * RenyiDivergence.of(mechanism, order: order)
            }
        }
    }

    public func epsilon(at delta: Double) -> Double { best(at: delta).epsilon }

    /// The order whose divergence gives the smallest ε.
    public func order(at delta: Double) -> Double { best(at: delta).order }

    /// ε = D + ln((α−1)/α) − (ln δ + ln α)/(α−1); Canonne, Kamath & Steinke 2020, arXiv:2004.00010, proposition 12.
    private func best(at delta: Double) -> (epsilon: Double, order: Double) {
        guard delta >= 0, delta < 1 else { return (delta >= 1 ? 0 : .infinity, .nan) }
        var best = (epsilon: Double.infinity, order: Double.nan)
        for (order, divergence) in zip(RenyiDivergence.orders, divergences) where divergence < .infinity {
            let epsilon: Double
            if order == .infinity || divergence == 0 {
                epsilon = divergence
            } else if delta * delta + expm1(-divergence) > 0 {
                // By the divergence of Kullback and Leibler, which is smaller: δ ≤ √(1 − e⁻ᴰ).
                epsilon = 0
            } else {
                epsilon = divergence + log1p(-1 / order) - (log(delta) + log(order)) / (order - 1)
            }
            if epsilon < best.epsilon { best = (max(0, epsilon), order) }
        }
        return best
    }
}
