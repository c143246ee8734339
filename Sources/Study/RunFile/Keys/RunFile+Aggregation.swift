import Federation

extension RunFile {
    /// The rule by which updates become one.
    public enum Aggregation: Sendable, Equatable {
        case mean
        case median
        /// Leaves out this share of the lowest and of the highest values.
        case trimmedMean(share: Double)
        case krum(faulty: Int, chosen: Int)

        public var aggregator: any Aggregator {
            switch self {
            case .mean: WeightedMean()
            case .median: RobustMean.coordinateMedian
            case .trimmedMean(let share): RobustMean.trimmed(share: share)
            case .krum(let faulty, let chosen): Krum(faulty: faulty, chosen: chosen)
            }
        }
    }
}

extension RunFile.Aggregation: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word("mean", .mean), .word("median", .median),
        .word(
            "trimmed_mean", example: "0.2", ValueRule<Double>("a number above 0 and below 0.5") { $0 > 0 && $0 < 0.5 },
            make: { .trimmedMean(share: $0) }, value: { if case .trimmedMean(let share) = $0 { share } else { nil } }),
        .word(
            "krum", example: "{faulty: 1, chosen: 1}",
            make: { (krum: KrumSettings) in .krum(faulty: krum.faulty, chosen: krum.chosen) },
            value: {
                if case .krum(let faulty, let chosen) = $0 { KrumSettings(faulty: faulty, chosen: chosen) } else { nil }
            }),
    ]

    private struct KrumSettings: YAMLSection {
        var faulty = 1
        var chosen = 1

        static let keys: [YAMLKey<Self>] = [
            YAMLKey("faulty", \.faulty, .atLeast(0)), YAMLKey("chosen", \.chosen, .atLeast(1)),
        ]
    }
}
