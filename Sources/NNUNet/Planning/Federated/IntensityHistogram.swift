/// How a site's foreground intensities of one channel spread over the bins of a range, every case weighing alike.
public struct IntensityHistogram: Codable, Sendable, Equatable {
    public var channel: ChannelKey
    public var range: IntensityRange
    /// Bins that are not empty, ascending.
    public var bins: [Int]
    /// Their shares in units of 2⁻⁴⁰ of a case, summed over cases.
    public var shares: [Int64]

    init(_ distribution: IntensityDistribution, channel: ChannelKey, range: IntensityRange) {
        self.channel = channel
        self.range = range
        (bins, shares) = ([], [])
        for (value, share) in zip(distribution.values, distribution.shares) {
            guard let bin = range.bin(of: value) else { continue }
            if bin == bins.last {
                shares[shares.count - 1] += share
            } else {
                bins.append(bin)
                shares.append(share)
            }
        }
    }

    /// Whether its bins are ones of its range and come to a sum.
    func isWhole(sum: Int64) -> Bool {
        guard bins.count == shares.count, zip(bins, bins.dropFirst()).allSatisfy(<), (bins.first ?? 0) >= 0,
            (bins.last ?? 0) < range.binCount
        else { return false }
        var rest = sum
        for share in shares {
            guard share >= 0, share <= rest else { return false }
            rest -= share
        }
        return rest == 0
    }
}
