#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension DatasetSplit {
    /// A draw of the symmetric Dirichlet distribution: gamma variates, normalised. Their logarithms are taken, since with a
    /// small alpha most variates are too small for a number.
    static func proportions(_ count: Int, alpha: Double, _ random: inout SplitMix64) -> [Double] {
        let logarithms = (0..<count).map { _ in logGamma(alpha, &random) }
        let highest = logarithms.max() ?? 0
        let weights = logarithms.map { exp($0 - highest) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// The logarithm of a gamma variate of unit scale: Marsaglia and Tsang 2000, doi 10.1145/358407.358414.
    private static func logGamma(_ alpha: Double, _ random: inout SplitMix64) -> Double {
        if alpha < 1 { return logGamma(alpha + 1, &random) + log(random.uniform(1e-300, 1)) / alpha }
        let d = alpha - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = random.normal()
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            guard v > 0 else { continue }
            if log(random.uniform(1e-300, 1)) < 0.5 * x * x + d - d * v + d * log(v) { return log(d) + log(v) }
        }
    }

    /// Whole numbers that add up to `total` and come nearest to the proportions, none of them 0; `total` is at least as
    /// many as there are proportions.
    static func sizes(_ total: Int, in proportions: [Double]) -> [Int] {
        let exact = proportions.map { $0 * Double(total) }
        var sizes = exact.map { Int($0) }
        let byRemainder = exact.indices.sorted {
            let (a, b) = (exact[$0] - Double(sizes[$0]), exact[$1] - Double(sizes[$1]))
            return a != b ? a > b : $0 < $1
        }
        for index in byRemainder.prefix(max(0, total - sizes.reduce(0, +))) { sizes[index] += 1 }
        while let empty = sizes.firstIndex(of: 0) {
            let largest = sizes.indices.max { sizes[$0] < sizes[$1] }!
            sizes[largest] -= 1
            sizes[empty] += 1
        }
        return sizes
    }
}
