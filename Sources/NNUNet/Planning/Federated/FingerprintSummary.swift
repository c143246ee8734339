/// What a site says of all its cases: geometry, and figures on each channel.
public struct FingerprintSummary: Codable, Sendable, Equatable {
    /// The channels of the site's dataset, in its order.
    public var channels: [ChannelKey]
    /// One per case, sorted.
    public var geometries: [CaseGeometry]
    /// Voxels after cropping by voxels before; one per case, sorted by themselves.
    public var relativeSizes: [Double]
    /// One per channel that has foreground.
    public var intensities: [Intensities]

    /// Foreground intensities of one channel.
    public struct Intensities: Codable, Sendable, Equatable {
        public var channel: ChannelKey
        public var moments: IntensityMoments
        /// Both are float32 values.
        public var min, max: Double
        /// In the order of `IntensityQuantile`; only where they were asked for.
        public var quantiles: [Double]?
    }

    /// Throws what is wrong with it.
    func check(site: String) throws {
        func require(_ condition: Bool, _ reason: String) throws {
            if !condition { throw NNUNetError.site(site, reason: reason) }
        }
        try require(!geometries.isEmpty && !channels.isEmpty, "its fingerprint has no cases or no channels.")
        try require(
            relativeSizes.count == geometries.count && relativeSizes.allSatisfy { $0 > 0 && $0 <= 1 },
            "its fingerprint has no share of voxels for every case that cropping left.")
        try require(
            geometries.allSatisfy(\.isUsable),
            "its fingerprint has a shape or spacing that is not three numbers above 0.")
        try require(
            Set(channels).count == channels.count && Set(intensities.map(\.channel)).count == intensities.count
                && intensities.allSatisfy { channels.contains($0.channel) },
            "its fingerprint names a channel twice, or intensities of a channel that it has not.")
        for channel in intensities {
            try require(
                channel.isUsable && channel.moments.cases <= geometries.count,
                "its intensities of channel \(channel.channel) contradict each other.")
        }
    }
}

extension FingerprintSummary.Intensities {
    init(_ distribution: IntensityDistribution, channel: ChannelKey, properties: IntensityProperties, quantiles: Bool) {
        self.init(
            channel: channel, moments: distribution.moments, min: properties.min, max: properties.max,
            quantiles: quantiles ? [properties.percentile005, properties.median, properties.percentile995] : nil)
    }

    /// Where they lie, if they are float32 values in order.
    var range: IntensityRange? {
        guard let low = Float(exactly: min), let high = Float(exactly: max), low.isFinite, high.isFinite, low <= high
        else { return nil }
        return IntensityRange(low, high)
    }

    fileprivate var isUsable: Bool {
        let tolerance = 1e-6 * (abs(min) + abs(max))
        return range != nil && moments.cases > 0 && moments.mean >= min - tolerance && moments.mean <= max + tolerance
            && moments.squares >= 0 && moments.squares.isFinite
            && (quantiles ?? []).allSatisfy { $0 >= min && $0 <= max }
    }

    /// The site's own figures, as far as they were asked for.
    var properties: IntensityProperties? {
        guard let quantiles, quantiles.count == IntensityQuantile.allCases.count else { return nil }
        return IntensityProperties(
            moments, low: Float(min), high: Float(max), quantiles: quantiles.map { Float($0) })
    }
}
