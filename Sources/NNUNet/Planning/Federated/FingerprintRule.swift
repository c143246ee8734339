/// How the fingerprints of a federation's sites become one.
public enum FingerprintRule: String, Codable, Sendable, CaseIterable {
    /// The fingerprint that all cases in one place would give.
    case exact
    /// FednnU-Net's rule, for comparison: means, deviations and quantiles averaged by numbers of cases. Skorupko et al. 2025,
    /// arXiv:2503.02549.
    case weightedAverage = "weighted-average"
}
