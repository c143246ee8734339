import Imaging

/// A site's side of federated fingerprint extraction: reads the dataset once, keeps what it found, and answers questions.
public struct LocalFingerprint: Sendable {
    /// In the dataset's order.
    public let channels: [ChannelKey]
    public let cases: Int
    private let geometries: [CaseGeometry]
    private let relativeSizes: [Double]
    private let intensities: [ChannelKey: IntensityDistribution]

    /// Reads every case of a dataset.
    ///
    /// - Parameters:
    ///   - modality: channels are the same as another site's where this word and the channel's name are.
    ///   - smallestNumberOfCases: with fewer cases, nothing is read and nothing leaves the site.
    public init(
        _ dataset: RawDataset, modality: String = "", smallestNumberOfCases: Int = 1, threads: Int = defaultThreads,
        progress: @Sendable (Int, CaseReport) -> Void = { _, _ in }
    ) throws {
        try Self.require(dataset.cases.count >= smallestNumberOfCases, smallestNumberOfCases)
        try self.init(
            FingerprintExtractor(dataset).cases(threads: threads, progress: progress),
            channels: ChannelKey.keys(of: dataset.description.channelNames, modality: modality),
            smallestNumberOfCases: smallestNumberOfCases)
    }

    /// - Parameter channels: one per channel of each case.
    public init(_ cases: [CaseFingerprint], channels: [ChannelKey], smallestNumberOfCases: Int = 1) throws {
        try Self.require(cases.count >= smallestNumberOfCases, smallestNumberOfCases)
        self.channels = channels
        self.cases = cases.count
        geometries = cases.map { CaseGeometry(shape: $0.shape, spacing: $0.spacing) }.sorted()
        guard geometries.allSatisfy(\.isUsable), cases.allSatisfy({ $0.intensities.count == channels.count }) else {
            throw NNUNetError.plan(
                "A case has a shape or spacing that is not three numbers above 0, or other channels than the dataset.")
        }
        relativeSizes = cases.map(\.relativeSize).sorted()
        var intensities: [ChannelKey: IntensityDistribution] = [:]
        for (index, channel) in channels.enumerated() {
            let merged = IntensityDistribution.merged(cases.map { $0.intensities[index] })
            if merged.cases == 0 { continue }
            // The statistics of a channel are those of its cases with foreground alone.
            try Self.require(merged.cases >= smallestNumberOfCases, smallestNumberOfCases)
            intensities[channel] = merged
        }
        self.intensities = intensities
    }

    private static func require(_ enough: Bool, _ smallest: Int) throws {
        if enough { return }
        throw NNUNetError.plan(
            """
            This site sends no fingerprint: it has fewer than the \(smallest) cases with foreground that its policy asks for. \
            Add cases, or lower the smallest number.
            """)
    }

    /// Answers for the channels that the site has; none of its cases can be told from the order.
    public func answer(_ question: FingerprintQuestion) throws -> FingerprintAnswer {
        switch question {
        case .summary(let withQuantiles):
            return .summary(
                found: FingerprintSummary(
                    channels: channels, geometries: geometries, relativeSizes: relativeSizes,
                    intensities: channels.compactMap { channel in
                        guard let distribution = intensities[channel], let properties = distribution.properties else {
                            return nil
                        }
                        return FingerprintSummary.Intensities(
                            distribution, channel: channel, properties: properties, quantiles: withQuantiles)
                    }))
        case .histograms(let wanted):
            let most = channels.count * IntensityQuantile.allCases.count
            let known = wanted.filter { intensities[$0.channel] != nil }
            guard known.count <= most, known.allSatisfy({ $0.range.low <= $0.range.high }) else {
                throw NNUNetError.plan(
                    "The server asks for more histograms than a fingerprint needs, or for ones that cannot be. None is sent."
                )
            }
            return .histograms(
                found: known.map { IntensityHistogram(intensities[$0.channel]!, channel: $0.channel, range: $0.range) })
        }
    }
}
