import Privacy

extension RunFile {
    /// Differential privacy as a run promises it, over all of its rounds.
    ///
    /// FLARE's users write `{enabled, mechanism: gaussian, epsilon, delta, max_grad_norm}`. A norm of gradients is one of
    /// records, and an epsilon without a word on rounds is that of the whole run: DP-SGD at the unit of records.
    public struct DifferentialPrivacy: Sendable, Equatable {
        /// Where the noise of whole sites is made.
        public enum Noise: Sendable, Equatable {
            case server
            /// In parts, such that so many sites reach the target together.
            case shared(fewestSites: Int)
        }

        /// nil is refused when the whole is checked.
        public var unit: PrivacyUnit?
        /// Of the whole run; in place of the noise multiplier.
        public var epsilon: Double?
        /// σ, or the scale of Laplace noise, in multiples of what one record or one site can change.
        public var noiseMultiplier: Double?
        /// nil for Gaussian noise.
        public var mechanism: SiteLevelSettings.Mechanism?
        public var delta: Double?
        /// The largest L2 norm of a record's gradient, or of a site's difference; in L1 for Laplace noise.
        public var clippingNorm: Double?
        /// Records that take part in a step on average; nil for the batch size.
        public var expectedBatch: Double?
        /// Patches of a record that takes part in a step.
        public var patchesPerRecord: Int?
        /// The column of `patients.csv` in the dataset's folder by which cases are one record.
        public var patients: String?
        /// Of sites; nil for the server's.
        public var noise: Noise?
        public var adaptiveClipping: AdaptiveClipping?
        public var accountant = Accountant.renyi
        /// What sites are asked to release without noise.
        public var releases: [PlainRelease] = [.fingerprint]
        /// Makes the noise repeatable, and worthless.
        public var seed: UInt64?

        /// Of FLARE's block; both are nil when it was read.
        var isEnabled: Bool?
        var largestGradientNorm: Double?

        public init() {}

        var source: NoiseSource { seed.map { .seeded($0) } ?? .secure }
    }
}

extension RunFile.DifferentialPrivacy: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("unit", \.unit),
        YAMLKey("epsilon", \.epsilon, .above(0)),
        YAMLKey(
            "noise_multiplier", \.noiseMultiplier,
            ValueRule("a number from 0.001 to below 16384") { $0 >= 1e-3 && $0 < GaussianNoise.mostNoise }),
        YAMLKey("delta", \.delta, .betweenZeroAndOne),
        YAMLKey("clipping_norm", \.clippingNorm, .above(0)),
        YAMLKey("expected_batch", \.expectedBatch, .above(0)),
        YAMLKey("patches_per_record", \.patchesPerRecord, .atLeast(1)),
        YAMLKey("patients", \.patients, .notEmpty, form: "a column of patients.csv, such as patient"),
        YAMLKey("noise", \.noise),
        YAMLKey("adaptive_clipping", \.adaptiveClipping),
        YAMLKey("accountant", \.accountant),
        YAMLKey(
            "releases", \.releases,
            ValueRule("a list of fingerprint, counts, metrics, model") { !$0.contains(.seededNoise) },
            form: "a list such as [fingerprint, metrics]"),
        YAMLKey("seed", \.seed),
        YAMLKey("enabled", \.isEnabled),
        YAMLKey("mechanism", \.mechanism),
        YAMLKey("max_grad_norm", \.largestGradientNorm, .above(0)),
    ]

    /// Puts FLARE's words into ours.
    mutating func complete() {
        if isEnabled != nil || mechanism == .gaussian || largestGradientNorm != nil { unit = unit ?? .record }
        if mechanism == .gaussian { mechanism = nil }
        if clippingNorm == nil, largestGradientNorm != nil {
            clippingNorm = largestGradientNorm
            largestGradientNorm = nil
        }
    }
}

extension RunFile.DifferentialPrivacy.Noise: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word("server", .server),
        .word(
            "shared", example: "3", ValueRule<Int>.atLeast(1),
            make: { .shared(fewestSites: $0) }, value: { if case .shared(let sites) = $0 { sites } else { nil } }),
    ]
}

extension SiteLevelSettings.Mechanism: YAMLWord {}
extension PrivacyUnit: YAMLWord {}
extension PlainRelease: YAMLWord {}
extension Accountant: YAMLWord {}

extension AdaptiveClipping: YAMLSection {
    init() { self.init(bitNoise: 0, fewestSites: 1) }

    static let keys: [YAMLKey<Self>] = [
        YAMLKey("quantile", \.quantile, .betweenZeroAndOne),
        YAMLKey("learning_rate", \.learningRate, .above(0)),
        YAMLKey("bit_noise", \.bitNoise, .above(0), form: "a number above 0, such as 4", required: true),
        YAMLKey("fewest_sites", \.fewestSites, .atLeast(1), required: true),
    ]
}

extension ValueRule where Value == Double {
    static var betweenZeroAndOne: Self { Self("a number above 0 and below 1") { $0 > 0 && $0 < 1 } }
}
