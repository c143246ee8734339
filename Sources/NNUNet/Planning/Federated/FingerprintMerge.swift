/// The server's side of federated fingerprint extraction: asks all sites, pass by pass, until their merged fingerprint is
/// known. With `FingerprintRule.exact` it is the one that all cases in one place would give.
///
/// First come geometry, moments and extremes; then a histogram over the channel's common range; then one in each
/// quantile's bin, whose bins are single float32 values. The result does not depend on the order of the sites.
public struct FingerprintMerge: Codable, Sendable, Equatable {
    public let rule: FingerprintRule
    /// What every site is to be asked; nil when the fingerprint is known.
    public private(set) var question: FingerprintQuestion?
    private var summaries: [String: FingerprintSummary] = [:]
    private var searches: [ChannelKey: QuantileSearch] = [:]

    /// So many cases' shares can be summed without overflow.
    private static let mostCases = 1 << 20

    public init(_ rule: FingerprintRule = .exact) {
        self.rule = rule
        question = .summary(withQuantiles: rule == .weightedAverage)
    }

    /// Takes the answers of all sites, by name, and says what to ask next; nil when the fingerprint is known.
    ///
    /// An answer that cannot be used changes nothing: the error names its site, and the pass can be repeated.
    @discardableResult
    public mutating func next(_ answers: [String: FingerprintAnswer]) throws -> FingerprintQuestion? {
        var merge = self
        switch question {
        case .summary: try merge.take(summaries: answers)
        case .histograms(let wanted): try merge.take(histograms: answers, wanted: wanted)
        case nil: throw NNUNetError.plan("The fingerprint is merged already.")
        }
        let wanted = merge.searches.sorted { $0.key < $1.key }.flatMap { channel, search in
            search.ranges.map { FingerprintQuestion.Histogram(channel: channel, range: $0) }
        }
        merge.question = wanted.isEmpty ? nil : .histograms(wanted: wanted)
        self = merge
        return question
    }

    private mutating func take(summaries answers: [String: FingerprintAnswer]) throws {
        guard !answers.isEmpty else { throw NNUNetError.plan("No site sent a fingerprint.") }
        for (site, answer) in answers.sorted(by: { $0.key < $1.key }) {
            guard case .summary(let summary) = answer else { throw Self.wrongAnswer(site) }
            try summary.check(site: site)
            if rule == .weightedAverage, summary.intensities.contains(where: { $0.properties == nil }) {
                throw Self.wrongAnswer(site)
            }
            summaries[site] = summary
            guard cases <= Self.mostCases else {
                throw NNUNetError.site(site, reason: "with it there are more than \(Self.mostCases) cases.")
            }
        }
        if rule == .weightedAverage { return }
        for channel in Set(summaries.values.flatMap { $0.intensities.map(\.channel) }) {
            let found = intensities(of: channel)
            let ranges = found.compactMap(\.value.range)
            guard let low = ranges.map(\.low).min(), let high = ranges.map(\.high).max() else { continue }
            searches[channel] = QuantileSearch(
                IntensityRange(low: low, high: high),
                cases: Dictionary(uniqueKeysWithValues: found.map { ($0.site, $0.value.moments.cases) }))
        }
    }

    private mutating func take(histograms answers: [String: FingerprintAnswer], wanted: [FingerprintQuestion.Histogram])
        throws
    {
        var histograms: [FingerprintQuestion.Histogram: [String: IntensityHistogram]] = [:]
        for (site, answer) in answers.sorted(by: { $0.key < $1.key }) {
            guard case .histograms(let found) = answer, let summary = summaries[site] else {
                throw Self.wrongAnswer(site)
            }
            let own = Set(summary.intensities.map(\.channel))
            let asked = wanted.filter { own.contains($0.channel) }
            guard found.map({ .init(channel: $0.channel, range: $0.range) }) == asked else {
                throw Self.wrongAnswer(site)
            }
            for (request, histogram) in zip(asked, found) { histograms[request, default: [:]][site] = histogram }
        }
        if let missing = sites.first(where: { answers[$0] == nil }) {
            throw NNUNetError.site(
                missing, reason: "it sent no histograms. Ask it again, or start the fingerprint anew without it.")
        }
        for request in wanted {
            try searches[request.channel]?.narrow(request.range, by: histograms[request] ?? [:])
        }
    }

    private static func wrongAnswer(_ site: String) -> NNUNetError {
        .site(site, reason: "its answer is not one to the question it was asked.")
    }

    /// What the sites say of a channel, in the order of their names.
    private func intensities(of channel: ChannelKey) -> [(site: String, value: FingerprintSummary.Intensities)] {
        sites.compactMap { site in
            summaries[site]?.intensities.first { $0.channel == channel }.map { (site, $0) }
        }
    }
}

// MARK: What is known

extension FingerprintMerge {
    /// Sorted.
    public var sites: [String] { summaries.keys.sorted() }

    /// The number of cases of all sites, which the planner takes for `numTraining`.
    public var cases: Int { summaries.values.reduce(0) { $0 + $1.geometries.count } }

    /// The channels of a site's dataset, in its order.
    public func channels(of site: String) -> [ChannelKey] { summaries[site]?.channels ?? [] }

    /// The fingerprint for a site: geometry of all cases of all sites, intensities of its own channels.
    public func fingerprint(ofSite site: String) throws -> DatasetFingerprint {
        try fingerprint(forChannels: channels(of: site))
    }

    /// The fingerprint of all sites' geometry and of these channels' intensities.
    public func fingerprint(forChannels channels: [ChannelKey]) throws -> DatasetFingerprint {
        guard question == nil else { throw NNUNetError.plan("The fingerprint is not merged yet.") }
        let properties = try channels.map { channel in
            guard let properties = intensityProperties(of: channel) else {
                throw NNUNetError.plan("No site has any foreground in channel \(channel).")
            }
            return properties
        }
        let inOrder = sites.compactMap { summaries[$0] }
        let geometries = inOrder.flatMap(\.geometries)
        let sorted = rule == .exact ? geometries.sorted() : geometries
        let sizes: Double =
            switch rule {
            case .exact: quantile(inOrder.flatMap(\.relativeSizes), 0.5)
            case .weightedAverage:
                Self.weightedAverage(
                    inOrder.map { quantile($0.relativeSizes, 0.5) }, weights: inOrder.map(\.geometries.count))
            }
        return DatasetFingerprint(
            shapesAfterCrop: sorted.map(\.shape), spacings: sorted.map(\.spacing), foregroundIntensities: properties,
            medianRelativeSizeAfterCropping: sizes)
    }

    private func intensityProperties(of channel: ChannelKey) -> IntensityProperties? {
        let found = intensities(of: channel)
        switch rule {
        case .exact:
            guard let quantiles = searches[channel]?.quantiles,
                let low = found.map(\.value.min).min(), let high = found.map(\.value.max).max()
            else { return nil }
            let moments = found.reduce(IntensityMoments()) { $0.merged(with: $1.value.moments) }
            return IntensityProperties(moments, low: Float(low), high: Float(high), quantiles: quantiles)
        case .weightedAverage:
            return Self.weightedAverage(
                found.compactMap(\.value.properties), weights: found.map { summaries[$0.site]?.geometries.count ?? 0 })
        }
    }
}
