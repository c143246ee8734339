/// How often each intensity occurs over a dataset's foreground, every case weighing alike: what `IntensityProperties` are
/// computed from, exactly.
///
/// nnU-Net draws the same number of voxels from every case at random; this is the distribution that those draws estimate.
/// Two distributions of different cases merge into the one of all of them.
public struct IntensityDistribution: Sendable, Equatable {
    /// Distinct values, ascending.
    public private(set) var values: [Float] = []
    /// The share of each value, summed over cases.
    public private(set) var weights: [Double] = []
    /// Cases that have foreground.
    public private(set) var cases = 0

    public init() {}

    /// The distribution of one case's foreground, which may be empty.
    public init(_ foreground: [Float]) {
        guard !foreground.isEmpty else { return }
        cases = 1
        let share = 1 / Double(foreground.count)
        if let range = Self.wholeRange(foreground) {
            var counts = [Int32](repeating: 0, count: range.count)
            for value in foreground { counts[Int(value) - range.lowerBound] += 1 }
            for (offset, count) in counts.enumerated() where count > 0 {
                values.append(Float(range.lowerBound + offset))
                weights.append(Double(count) * share)
            }
        } else {
            for value in foreground.sorted() {
                if value == values.last {
                    weights[weights.count - 1] += share
                } else {
                    values.append(value)
                    weights.append(share)
                }
            }
        }
    }

    /// The span of values that are all whole numbers, where it is small enough to count them one by one.
    private static func wholeRange(_ values: [Float]) -> Range<Int>? {
        var (low, high) = (Float.infinity, -Float.infinity)
        for value in values {
            if value.rounded() != value { return nil }
            (low, high) = (min(low, value), max(high, value))
        }
        guard low >= -1e6, high <= 1e6, high - low < 200_000 else { return nil }
        return Int(low)..<Int(high) + 1
    }

    /// Both distributions in one.
    public func merged(with other: IntensityDistribution) -> IntensityDistribution {
        if cases == 0 { return other }
        if other.cases == 0 { return self }
        var result = IntensityDistribution()
        result.cases = cases + other.cases
        result.values.reserveCapacity(values.count + other.values.count)
        result.weights.reserveCapacity(values.count + other.values.count)
        var (i, j) = (0, 0)
        while i < values.count || j < other.values.count {
            if j == other.values.count || i < values.count && values[i] < other.values[j] {
                result.values.append(values[i])
                result.weights.append(weights[i])
                i += 1
            } else if i == values.count || other.values[j] < values[i] {
                result.values.append(other.values[j])
                result.weights.append(other.weights[j])
                j += 1
            } else {
                result.values.append(values[i])
                result.weights.append(weights[i] + other.weights[j])
                (i, j) = (i + 1, j + 1)
            }
        }
        return result
    }

    /// All distributions in one, pair by pair, so that each value is handled a logarithmic number of times.
    public static func merged(_ distributions: [IntensityDistribution]) -> IntensityDistribution {
        var level = distributions
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map {
                $0 + 1 < level.count ? level[$0].merged(with: level[$0 + 1]) : level[$0]
            }
        }
        return level.first ?? IntensityDistribution()
    }

    /// The statistics of `dataset_fingerprint.json`; nil without foreground.
    ///
    /// The p-quantile is the smallest value whose share, summed from below, reaches p; the deviation is the population's.
    public var properties: IntensityProperties? {
        guard cases > 0, let low = values.first, let high = values.last else { return nil }
        let total = weights.reduce(0, +)
        let mean = zip(values, weights).reduce(0) { $0 + Double($1.0) * $1.1 } / total
        let variance =
            zip(values, weights).reduce(0) { $0 + (Double($1.0) - mean) * (Double($1.0) - mean) * $1.1 } / total
        func quantile(_ share: Double) -> Double {
            let threshold = share * total * (1 - 1e-12)
            var sum = 0.0
            for (value, weight) in zip(values, weights) {
                sum += weight
                if sum >= threshold { return Double(value) }
            }
            return Double(high)
        }
        return IntensityProperties(
            max: Double(high), mean: mean, median: quantile(0.5), min: Double(low), percentile005: quantile(0.005),
            percentile995: quantile(0.995), std: variance.squareRoot())
    }
}
