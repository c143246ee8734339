#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Rényi divergences of a mechanism on neighbours, the worse direction, by order; Mironov 2017, arXiv:1702.07476.
enum RenyiDivergence {
    /// 1.1 to 10.9 by tenths, integers to 64, a few up to 1024, and ∞, which only Laplace noise bounds.
    static let orders: [Double] =
        (1...99).map { Double(10 + $0) / 10 } + (11...64).map(Double.init) + [80, 96, 128, 192, 256, 384, 512, 1024]
        + [.infinity]

    /// - Returns: infinite where the divergence is, or where its series does not converge.
    static func of(_ mechanism: PrivacyEvent.Mechanism, order: Double) -> Double {
        switch mechanism {
        case .gaussian(let sigma): return order / (2 * sigma * sigma)
        case .laplace(let scale):
            let rate = 1 / scale
            if order == .infinity { return rate }
            let first = log(order / (2 * order - 1)) + (order - 1) * rate
            let second = log((order - 1) / (2 * order - 1)) - order * rate
            return logAdd(first, second) / (order - 1)
        case .sampledGaussian(let rate, let sigma):
            if rate == 0 { return 0 }
            if rate == 1 || order == .infinity { return order / (2 * sigma * sigma) }
            let moment =
                order == order.rounded() ? integer(rate, sigma, Int(order)) : fractional(rate, sigma, order)
            return max(0, moment / (order - 1))
        }
    }

    /// ln of the moment of an integer order: a binomial sum; Mironov, Talwar & Zhang 2019, arXiv:1908.10530, 3.3.
    private static func integer(_ rate: Double, _ sigma: Double, _ order: Int) -> Double {
        let (logRate, logRest) = (log(rate), log1p(-rate))
        var sum = -Double.infinity
        var logBinomial = 0.0
        for k in 0...order {
            let term = Double(k) * (Double(k) - 1) / (2 * sigma * sigma)
            sum = logAdd(sum, logBinomial + Double(order - k) * logRest + Double(k) * logRate + term)
            logBinomial += log(Double(order - k)) - log(Double(k + 1))
        }
        return sum
    }

    /// ln of the moment of an order between integers: two series, of either side of where both densities are equal.
    ///
    /// Every term counts as positive, so what comes out is never below the moment.
    private static func fractional(_ rate: Double, _ sigma: Double, _ order: Double) -> Double {
        let (logRate, logRest) = (log(rate), log1p(-rate))
        let middle = sigma * sigma * log(1 / rate - 1) + 0.5
        var (sum, logBinomial) = (-Double.infinity, 0.0)
        var (lastLow, lastHigh) = (-Double.infinity, -Double.infinity)
        for k in 0..<1000 {
            let (i, j) = (Double(k), order - Double(k))
            let low =
                logBinomial + i * logRate + j * logRest + (i * i - i) / (2 * sigma * sigma)
                + NormalDistribution.logCumulative((middle - i) / sigma)
            let high =
                logBinomial + j * logRate + i * logRest + (j * j - j) / (2 * sigma * sigma)
                + NormalDistribution.logCumulative((j - middle) / sigma)
            sum = logAdd(sum, logAdd(low, high))
            if low < lastLow, high < lastHigh, max(low, high) < sum - 30 { return sum }
            (lastLow, lastHigh) = (low, high)
            logBinomial += log(abs(j)) - log(i + 1)
        }
        return .infinity
    }
}
