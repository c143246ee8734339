#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How likely which privacy loss is: masses on a grid, and the mass of an infinite loss.
///
/// The loss of an outcome is ln(P/Q), P and Q its probabilities on neighbours, and counts as often as P makes it. Sums of
/// losses are releases together; Koskela, Jälkö & Honkela 2020, arXiv:1906.03049. What lies between two points of the grid
/// is put on both so that neither P nor Q changes, which never makes an ε smaller: Doroshenko et al. 2022,
/// arXiv:2207.04380.
struct PrivacyLossDistribution: Sendable {
    /// Between two points of the grid.
    let interval: Double
    /// The first mass belongs to the loss `lowest` times the interval.
    var lowest: Int
    var masses: [Double]
    var infinityMass: Double

    init(interval: Double, indices: ClosedRange<Int>) {
        self.interval = interval
        lowest = indices.lowerBound
        masses = [Double](repeating: 0, count: indices.count)
        infinityMass = 0
    }

    /// Adds outcomes of probability p, and q on the neighbour, whose losses lie between a point and the next.
    mutating func add(_ p: Double, neighbour q: Double, from index: Int) {
        guard p > 0 else { return }
        let place = index - lowest
        var upper = 1.0
        if q > 0 {
            let ratio = exp(log(q) - log(p) + Double(index) * interval)
            upper = min(1, max(0, (1 - ratio) / -expm1(-interval)))
        }
        masses[place] += p * (1 - upper)
        masses[place + 1] += p * upper
    }

    /// Adds mass at a point.
    mutating func add(_ p: Double, at index: Int) { masses[index - lowest] += p }

    /// The smallest ε of at least 0 at which at most δ is beyond; infinite where the infinite mass alone is more.
    func epsilon(at delta: Double) -> Double {
        guard infinityMass <= delta else { return .infinity }
        // With the losses from ℓ up, δ(ε) = mass − e^(ε−ℓ) · neighbour, neighbour = Σ m e^(ℓ−loss): it falls as ε grows.
        var (mass, neighbour) = (infinityMass, 0.0)
        let decay = exp(-interval)
        for place in stride(from: masses.count - 1, through: 0, by: -1) {
            let loss = Double(lowest + place) * interval
            if mass > delta, neighbour > 0 {
                let epsilon = loss + interval + log((mass - delta) / neighbour)
                if epsilon >= loss { return max(0, epsilon) }
            }
            mass += masses[place]
            neighbour = neighbour * decay + masses[place]
        }
        guard mass > delta, neighbour > 0 else { return 0 }
        return max(0, Double(lowest) * interval + log((mass - delta) / neighbour))
    }

    /// What is beyond an ε: the smallest δ that holds with it.
    func delta(at epsilon: Double) -> Double {
        var sum = infinityMass
        for (place, mass) in masses.enumerated() {
            let loss = Double(lowest + place) * interval
            if loss > epsilon { sum -= mass * expm1(epsilon - loss) }
        }
        return min(1, max(0, sum))
    }
}
