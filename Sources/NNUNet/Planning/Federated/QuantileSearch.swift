/// The search for the quantiles of one channel over the histograms of all sites, each narrower than the one before.
struct QuantileSearch: Codable, Sendable, Equatable {
    /// With foreground, of all sites.
    let cases: Int
    /// In the order of `IntensityQuantile`.
    private(set) var places: [Place]

    /// Where a quantile is known to lie.
    struct Place: Codable, Sendable, Equatable {
        var range: IntensityRange
        /// The share below the range, of all sites.
        var below: Int64
        /// The share in the range, by site.
        var inside: [String: Int64]
    }

    /// - Parameters:
    ///   - range: of all sites' values.
    ///   - cases: with foreground, by site.
    init(_ range: IntensityRange, cases: [String: Int]) {
        self.cases = cases.values.reduce(0, +)
        let place = Place(range: range, below: 0, inside: cases.mapValues { Int64($0) * IntensityQuantile.wholeCase })
        places = IntensityQuantile.allCases.map { _ in place }
    }

    /// Once all are found.
    var quantiles: [Float]? {
        let found = places.compactMap(\.range.value)
        return found.count == places.count ? found : nil
    }

    /// What histograms are wanted, each once.
    var ranges: [IntensityRange] {
        var ranges: [IntensityRange] = []
        for place in places where place.range.value == nil && !ranges.contains(place.range) {
            ranges.append(place.range)
        }
        return ranges
    }

    /// Narrows the quantiles that lie in a range.
    ///
    /// - Parameter histograms: of that range, by site; one for every site that has the channel.
    mutating func narrow(_ range: IntensityRange, by histograms: [String: IntensityHistogram]) throws {
        for (quantile, place) in zip(IntensityQuantile.allCases, places) where place.range == range {
            for (site, sum) in place.inside.sorted(by: { $0.key < $1.key }) {
                guard let histogram = histograms[site], histogram.isWhole(sum: sum) else {
                    throw NNUNetError.site(
                        site,
                        reason:
                            "its histograms do not fit what it said before. Did its data change? Start the fingerprint anew."
                    )
                }
            }
            var total = [Int64](repeating: 0, count: range.binCount)
            for histogram in histograms.values {
                for (bin, share) in zip(histogram.bins, histogram.shares) { total[bin] += share }
            }
            let needed = quantile.share(cases: cases)
            var (bin, below) = (0, place.below)
            while bin < total.count - 1, below + total[bin] < needed {
                below += total[bin]
                bin += 1
            }
            let inside = histograms.mapValues { histogram in
                histogram.bins.firstIndex(of: bin).map { histogram.shares[$0] } ?? 0
            }
            places[quantile.rawValue] = Place(range: range[bin], below: below, inside: inside)
        }
    }
}
