/// How a federation learns: parts that combine freely.
public struct Strategy: Sendable {
    public var selection: SiteSelection = .all
    /// Sites that must be there before the first round, and whose updates every round needs.
    public var minimumSites = 1
    /// From the start of a round to its last update; what filters ask after training has as long again, and so has judging
    /// the new model. nil waits for every site.
    public var deadline: Duration?
    /// For each question of the rounds before the first: fingerprinting, preprocessing. nil waits.
    public var preparationDeadline: Duration?
    public var sharing = Sharing()
    public var weighting = SiteWeighting()
    /// Whether sites send models or differences.
    public var content = ModelUpdate.Content.weights
    public var aggregator: any Aggregator = WeightedMean()
    public var serverOptimizer = ServerOptimizer.replace
    /// In the order in which sites apply them.
    public var filters: [any UpdateFilter] = []
    /// μ of FedProx; 0 is FedAvg.
    public var proximalTerm = 0.0
    /// The aggregated model is judged every so many rounds, and after the last; 0 never judges.
    public var validationInterval = 1
    /// Which sites judge it.
    public var validators: SiteSelection = .all
    public var judgement = ModelJudgement()
    /// Beside the global model, one for each modality, averaged over its sites.
    public var keepsModelOfEachModality = false

    public init() {}

    /// - Throws: `FederationError.setting`.
    public func validate() throws {
        func require(_ condition: Bool, _ text: String) throws {
            if !condition { throw FederationError.setting(text) }
        }
        try require(minimumSites > 0, "At least one site must be needed, not \(minimumSites).")
        try require(
            minimumSites >= aggregator.fewestUpdates,
            "This aggregation needs \(aggregator.fewestUpdates) updates: set the minimum of sites to that, not to \(minimumSites)."
        )
        try require(
            !filters.dropLast().contains { $0 is any SealingFilter },
            "After updates are sealed nothing more can be done to them: let the filter that seals be the last, and the only one of its kind."
        )
        if let sealing {
            try require(
                needsPlainUpdates.isEmpty,
                "The filter \(sealing.name) seals updates. " + needsPlainUpdates.joined(separator: " "))
            try require(
                minimumSites >= sealing.fewestUpdates,
                "The filter \(sealing.name) hides updates among at least \(sealing.fewestUpdates): set the minimum of sites to that, not to \(minimumSites)."
            )
        }
        try require(
            proximalTerm >= 0 && proximalTerm.isFinite, "FedProx's μ must be 0 or above, not \(proximalTerm).")
        try require(validationInterval >= 0, "Validation every \(validationInterval) rounds makes no sense.")
        for limit in [deadline, preparationDeadline].compactMap(\.self) {
            try require(limit > .zero, "A deadline must lie ahead.")
        }
    }
}
