import Foundation

/// What an attacker's success says about ε: trials with a canary among the records and without, told apart by a threshold
/// (Jagielski et al. 2020, arXiv:2006.07709; Nasr et al. 2021, arXiv:2101.04535).
struct PrivacyAudit {
    /// Trials of each kind, and those of them that were told wrongly.
    var trials: Int
    var falseAlarms: Int
    var misses: Int
    /// Of both rates together.
    var confidence: Double

    /// - Parameters:
    ///   - threshold: set before the trials; a score above it says that the canary was there.
    ///   - score: of one trial, by its number.
    init(
        trials: Int, threshold: Double, confidence: Double = 0.95,
        score: (_ trial: Int, _ hasCanary: Bool) throws -> Double
    ) rethrows {
        self.trials = trials
        self.confidence = confidence
        falseAlarms = 0
        misses = 0
        for trial in 0..<trials {
            if try score(trial, false) > threshold { falseAlarms += 1 }
            if try score(trial, true) <= threshold { misses += 1 }
        }
    }

    /// The largest rate that fits so few errors: Clopper and Pearson 1934, one-sided, half of what is doubted for each rate.
    static func upperRate(_ errors: Int, of trials: Int, confidence: Double) -> Double {
        if errors == trials { return 1 }
        let doubt = (1 - confidence) / 2
        func tail(_ rate: Double) -> Double {
            (0...errors).reduce(0) { sum, k in
                let (k, n) = (Double(k), Double(trials))
                let ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
                return sum + exp(ways + k * log(rate) + (n - k) * log1p(-rate))
            }
        }
        var (low, high) = (Double(errors) / Double(trials), 1.0)
        if low == 0 { low = 1e-12 }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if tail(middle) > doubt { low = middle } else { high = middle }
        }
        return high
    }

    private var rates: (alarm: Double, miss: Double) {
        (
            Self.upperRate(falseAlarms, of: trials, confidence: confidence),
            Self.upperRate(misses, of: trials, confidence: confidence)
        )
    }

    /// ε is at least this, whatever the mechanism: from false alarms + e^ε · misses ≥ 1 − δ, and the other way round.
    func epsilon(delta: Double) -> Double {
        let (alarm, miss) = rates
        return max(0, log(max(1 - delta - alarm, 1e-300) / miss), log(max(1 - delta - miss, 1e-300) / alarm))
    }

    /// ε is at least this if the mechanism is a Gaussian one: the two rates bound its μ (Nasr et al. 2023, arXiv:2302.07956),
    /// which says more.
    func gaussianEpsilon(delta: Double) -> Double {
        let (alarm, miss) = rates
        return Self.epsilon(mu: Self.quantile(1 - miss) + Self.quantile(1 - alarm), delta: delta)
    }

    // MARK: Gaussian mechanism

    private static func normal(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }

    private static func quantile(_ p: Double) -> Double { root(of: { normal($0) - p }, from: -10, to: 10) }

    /// ε of a Gaussian mechanism with sensitivity over deviation μ: Balle and Wang 2018, arXiv:1805.06530.
    static func epsilon(mu: Double, delta: Double) -> Double {
        guard mu > 0 else { return 0 }
        let excess = { (epsilon: Double) in
            delta - normal(mu / 2 - epsilon / mu) + exp(epsilon) * normal(-mu / 2 - epsilon / mu)
        }
        return excess(0) >= 0 ? 0 : root(of: excess, from: 0, to: 100)
    }

    /// Of a rising function.
    private static func root(of function: (Double) -> Double, from: Double, to: Double) -> Double {
        var (low, high) = (from, to)
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if function(middle) < 0 { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
