/// How often each intensity occurs over a dataset's foreground, every case weighing alike: what `IntensityProperties` are
/// computed from, exactly.
///
/// nnU-Net draws the same number of voxels from every case at random; this is the distribution that those draws estimate.
/// Two distributions of different cases merge into the one of all of them: in any order the same, but for the last digits of
/// the moments.
public struct IntensityDistribution: Sendable, Equatable {
    /// Distinct values, ascending; zero has no sign.
    public private(set) var values: [Float] = []
    /// The share of each value in units of 2⁻⁴⁰ of a case, summed over cases. See `IntensityQuantile`.
    public private(set) var shares: [Int64] = []
    public private(set) var moments = IntensityMoments()
    /// Cases that have foreground.
    public var cases: Int { moments.cases }

    public init() {}

    /// The distribution of one case's foreground: finite values, or none.
    public init(_ foreground: [Float]) {
        guard !foreground.isEmpty else { return }
        var counts: [Int] = []
        if let range = Self.wholeRange(foreground) {
            var histogram = [Int32](repeating: 0, count: range.count)
            for value in foreground { histogram[Int(value) - range.lowerBound] += 1 }
            for (offset, count) in histogram.enumerated() where count > 0 {
                values.append(Float(range.lowerBound + offset))
                counts.append(Int(count))
            }
        } else {
            for value in foreground.sorted() {
                if value == values.last {
                    counts[counts.count - 1] += 1
                } else {
                    values.append(value == 0 ? 0 : value)
                    counts.append(1)
                }
            }
        }
        // Rounded as they sum up, so that all of them are one case and no sum is off by more than half a unit.
        let total = Double(foreground.count)
        var (voxels, below) = (0, Int64(0))
        shares.reserveCapacity(counts.count)
        for count in counts {
            voxels += count
            let sum = Int64((Double(voxels) / total * Double(IntensityQuantile.wholeCase)).rounded())
            shares.append(sum - below)
            below = sum
        }
        let mean = zip(values, counts).reduce(0) { $0 + Double($1.0) * Double($1.1) } / total
        let squares = zip(values, counts).reduce(0) {
            $0 + (Double($1.0) - mean) * (Double($1.0) - mean) * Double($1.1)
        }
        moments = IntensityMoments(cases: 1, mean: mean, squares: squares / total)
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
        result.moments = moments.merged(with: other.moments)
        result.values.reserveCapacity(values.count + other.values.count)
        result.shares.reserveCapacity(values.count + other.values.count)
        var (i, j) = (0, 0)
        while i < values.count || j < other.values.count {
            if j == other.values.count || i < values.count && values[i] < other.values[j] {
                result.values.append(values[i])
                result.shares.append(shares[i])
                i += 1
            } else if i == values.count || other.values[j] < values[i] {
                result.values.append(other.values[j])
                result.shares.append(other.shares[j])
                j += 1
            } else {
                result.values.append(values[i])
                result.shares.append(shares[i] + other.shares[j])
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

    /// The statistics of `dataset_fingerprint.json`; nil without foreground. The deviation is the population's.
    public var properties: IntensityProperties? {
        guard cases > 0, let low = values.first, let high = values.last else { return nil }
        return IntensityProperties(
            moments, low: low, high: high, quantiles: IntensityQuantile.allCases.map { self.quantile($0) })
    }

    private func quantile(_ quantile: IntensityQuantile) -> Float {
        let needed = quantile.share(cases: cases)
        var sum: Int64 = 0
        let index = shares.firstIndex { share in
            sum += share
            return sum >= needed
        }
        return values[index ?? values.count - 1]
    }
}

extension IntensityProperties {
    /// - Parameter quantiles: in the order of `IntensityQuantile`.
    init(_ moments: IntensityMoments, low: Float, high: Float, quantiles: [Float]) {
        func value(_ quantile: IntensityQuantile) -> Double { Double(quantiles[quantile.rawValue]) }
        self.init(
            max: Double(high), mean: moments.mean, median: value(.median), min: Double(low),
            percentile005: value(.percentile005), percentile995: value(.percentile995),
            std: moments.standardDeviation)
    }
}
