#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension PrivacyLossDistribution {
    /// Which of the neighbours holds the record: what is released is from the one, and compared with the other.
    enum Direction: CaseIterable { case remove, add }

    static let mostMasses = 1 << 20

    /// - Returns: nil where the losses span more than `mostMasses` intervals.
    init?(_ mechanism: PrivacyEvent.Mechanism, _ direction: Direction, interval: Double) {
        switch mechanism {
        case .gaussian(let sigma): self.init(rate: 1, sigma, direction, interval: interval)
        case .sampledGaussian(let rate, let sigma): self.init(rate: rate, sigma, direction, interval: interval)
        case .laplace(let scale): self.init(laplace: scale, interval: interval)
        }
    }

    /// (1−q)·N(0, σ²) + q·N(1, σ²) against N(0, σ²), of which ln(1 − q + q·e^((2x−1)/2σ²)) is the loss at x; or the reverse.
    ///
    /// Beyond ten standard deviations, 2⁻⁷⁶ of the mass, losses count as infinite, or as the lowest that is on the grid.
    private init?(rate: Double, _ sigma: Double, _ direction: Direction, interval: Double) {
        let (first, last) = (-10 * sigma, 1 + 10 * sigma)
        func loss(_ x: Double) -> Double {
            let exponent = (2 * x - 1) / (2 * sigma * sigma)
            return rate == 1 ? exponent : logAdd(log1p(-rate), log(rate) + exponent)
        }
        func outcome(_ loss: Double) -> Double {
            let variance = sigma * sigma
            if rate == 1 { return variance * loss + 0.5 }
            let odds = loss < 700 ? log(expm1(loss) + rate) : loss
            return odds.isNaN ? -.infinity : variance * (odds - log(rate)) + 0.5
        }
        let (low, high) = ((loss(first) / interval).rounded(.down), (loss(last) / interval).rounded(.up))
        guard high - low < Double(Self.mostMasses) else { return nil }
        let cells = Int(low)..<Int(high) + 1
        let indices =
            direction == .remove ? cells.lowerBound...cells.upperBound : -cells.upperBound ... -cells.lowerBound
        self.init(interval: interval, indices: indices)

        var from = first
        for cell in cells {
            let to = min(last, max(from, outcome(Double(cell + 1) * interval)))
            let without = NormalDistribution.mass(from / sigma, to / sigma)
            let with =
                (1 - rate) * without + rate * NormalDistribution.mass((from - 1) / sigma, (to - 1) / sigma)
            switch direction {
            case .remove: add(with, neighbour: without, from: cell)
            case .add: add(without, neighbour: with, from: -cell - 1)
            }
            from = to
        }
        let below = NormalDistribution.cumulative(first / sigma)
        let above = NormalDistribution.cumulative(-last / sigma)
        switch direction {
        case .remove:
            infinityMass = (1 - rate) * above + rate * NormalDistribution.cumulative((1 - last) / sigma)
            add(below, at: lowest + 1)
        case .add:
            infinityMass = below
            add(above, at: lowest + 1)
        }
    }

    /// Laplace noise of scale b around 0 against around 1: the loss is (|x−1| − |x|)/b. Both directions are equal.
    private init?(laplace scale: Double, interval: Double) {
        let most = 1 / scale
        let reach = (most / interval).rounded(.up)
        guard reach < Double(Self.mostMasses / 2) else { return nil }
        self.init(interval: interval, indices: -Int(reach) - 1...Int(reach) + 1)
        // Half of the mass lies below 0, where the loss is 1/b; e^(−1/b)/2 beyond 1, where it is −1/b.
        add(0.5, neighbour: 0.5 * exp(-most), from: Int((most / interval).rounded(.down)))
        add(0.5 * exp(-most), neighbour: 0.5, from: Int((-most / interval).rounded(.down)))
        for cell in -Int(reach)..<Int(reach) {
            let from = min(1, max(0, (1 - scale * Double(cell + 1) * interval) / 2))
            let to = min(1, max(0, (1 - scale * Double(cell) * interval) / 2))
            guard from < to else { continue }
            let width = -expm1(-(to - from) / scale) / 2
            add(exp(-from / scale) * width, neighbour: exp((to - 1) / scale) * width, from: cell)
        }
    }
}
