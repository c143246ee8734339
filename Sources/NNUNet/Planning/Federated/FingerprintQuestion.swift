/// What every site of a federation is asked in one pass of fingerprint extraction.
public enum FingerprintQuestion: Codable, Sendable, Equatable {
    /// Geometry of the cases, and of every channel the number of cases, extremes and moments; where the rule needs them, the
    /// site's own quantiles, too.
    case summary(withQuantiles: Bool)
    /// Histograms of the channels that a site has.
    case histograms(wanted: [Histogram])

    public struct Histogram: Codable, Hashable, Sendable {
        public var channel: ChannelKey
        public var range: IntensityRange

        public init(channel: ChannelKey, range: IntensityRange) {
            self.channel = channel
            self.range = range
        }
    }
}
