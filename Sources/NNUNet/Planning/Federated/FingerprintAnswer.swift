/// What a site sends back to a `FingerprintQuestion`. Nothing in it names a case, and its order says nothing.
public enum FingerprintAnswer: Codable, Sendable, Equatable {
    case summary(found: FingerprintSummary)
    case histograms(found: [IntensityHistogram])
}
