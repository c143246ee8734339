import Federation

extension RunFile {
    /// How many updates become one model, and who sends them.
    public struct Strategy: Sendable, Equatable {
        public var aggregation = Aggregation.mean
        public var weighting = SiteWeighting()
        /// Beside the global model, one for each modality.
        public var modelOfEachModality = false
        /// Whether sites send models or differences.
        public var update = ModelUpdate.Content.weights
        public var serverOptimizer = ServerOptimizer.replace
        /// μ of FedProx.
        public var proximalTerm = 0.0
        public var minimumSites = 1
        /// For a round's training; nil waits for every site.
        public var deadline: Duration?
        /// For each question of the rounds before the first.
        public var preparationDeadline: Duration?
        public var select = SiteSelection.all
        /// In the order in which sites apply them.
        public var filters: [Filter] = []
        /// Whether the server sees single updates.
        public var secureAggregation = SecureAggregation.plain

        public init() {}
    }
}

extension RunFile.Strategy: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("aggregation", \.aggregation),
        YAMLKey("weights", \.weighting.rule),
        YAMLKey(
            "modality_weights", \.weighting.groups, .weights,
            form: "a weight for each modality, such as {CT: 0.6, MR: 0.4}"),
        YAMLKey("model_of_each_modality", \.modelOfEachModality),
        YAMLKey("update", \.update),
        YAMLKey("server_optimizer", \.serverOptimizer),
        YAMLKey("proximal_term", \.proximalTerm, .atLeast(0)),
        YAMLKey("minimum_sites", \.minimumSites, .atLeast(1)),
        YAMLKey("deadline", \.deadline, ValueRule("a time above 0, such as 30 min") { $0 > .zero }),
        YAMLKey(
            "preparation_deadline", \.preparationDeadline, ValueRule("a time above 0, such as 2 h") { $0 > .zero }),
        YAMLKey("select", \.select),
        YAMLKey("filters", \.filters, form: "a list such as [half-precision]"),
        YAMLKey("secure_aggregation", \.secureAggregation),
    ]
}

extension ModelUpdate.Content: YAMLWord {
    static var words: [Self] { [.weights, .difference] }
}

extension SiteWeighting.Rule: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word("examples", .examples), .word("steps", .steps), .word("uniform", .uniform),
        .bare(
            .mapping, example: "a weight for each site, such as {hospital_a: 2, hospital_b: 1}",
            make: { .given($0) }, value: { if case .given(let weights) = $0 { weights } else { nil } }),
    ]

    func check(at path: String, _ reading: inout Reading) {
        guard case .given(let weights) = self, !ValueRule.weights.holds(weights) else { return }
        reading.fault(at: path, "is \(weights.node.text)", "write \(ValueRule.weights.text)")
    }
}

extension ValueRule where Value == [String: Double] {
    static var weights: Self {
        Self("weights of 0 or more, at least one of them above 0") { weights in
            weights.values.allSatisfy { $0 >= 0 } && weights.values.contains { $0 > 0 }
        }
    }
}

extension SiteSelection: YAMLChoice {
    static let options: [YAMLOption<Self>] = [
        .word("all", .all),
        .word(
            "fraction", example: "0.5", ValueRule<Double>.aboveZeroToOne,
            make: { .fraction($0) }, value: { if case .fraction(let share) = $0 { share } else { nil } }),
        .word(
            "count", example: "3", ValueRule<Int>.atLeast(1),
            make: { .count($0) }, value: { if case .count(let count) = $0 { count } else { nil } }),
        .bare(
            .list, example: "a list of sites, such as [hospital_a, hospital_b]",
            make: { .named($0) }, value: { if case .named(let names) = $0 { names } else { nil } }),
    ]
}
