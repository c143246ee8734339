import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A learner whose releases stand in the site's ledger before they happen; where it may not, the task is refused.
public struct AccountedLearner: Learner {
    /// What is done with what noise does not protect.
    public struct Plain: Sendable, Equatable {
        /// Metrics of training and validation leave the site, where it gives leave; otherwise they are left out.
        public var sendsMetrics = false
        /// Updates have no noise of any unit: each is a release of the model.
        public var releasesModel = false
        /// Told instead of how many cases there are, and counts as agreed before; nil tells the truth, with the site's leave.
        public var statedExamples: Int?

        public init(sendsMetrics: Bool = false, statedExamples: Int? = nil) {
            self.sendsMetrics = sendsMetrics
            self.statedExamples = statedExamples
        }
    }

    private let base: any Learner
    private let ledger: PrivacyLedger
    private let run: String
    private let limits: PrivacyLimits?
    private let events: [PrivacyEvent]
    private let claimsPrivacy: Bool
    private let plain: Plain

    /// A learner at whose site every round costs these events, in the unit of sites.
    public init(
        _ base: any Learner, ledger: PrivacyLedger, run: String, siteLevel events: [PrivacyEvent],
        limits: PrivacyLimits, source: NoiseSource = .secure, plain: Plain = Plain()
    ) {
        (self.base, self.ledger, self.run, self.plain) = (base, ledger, run, plain)
        (self.events, self.limits, claimsPrivacy) = (events, limits, source.claimsPrivacy)
    }

    /// A learner that books its records itself, through `GradientPrivacy`.
    public init(_ base: any Learner, ledger: PrivacyLedger, run: String, plain: Plain = Plain()) {
        (self.base, self.ledger, self.run, self.plain) = (base, ledger, run, plain)
        (events, limits, claimsPrivacy) = ([], nil, true)
    }

    public func answer(_ question: Data) async throws -> Data {
        try await ledger.release(.fingerprint, run: run, round: 0)
        return try await base.answer(question)
    }

    public func describe() async throws -> SiteDescription {
        var description = try await base.describe()
        description.examples = try await examples(description.examples, round: 0)
        return description
    }

    public func initialWeights() async throws -> Weights { try await base.initialWeights() }

    public func train(_ task: TrainTask) async throws -> ModelUpdate {
        if plain.sendsMetrics { try await ledger.release(.metrics, run: run, round: task.round) }
        if plain.statedExamples == nil { try await ledger.release(.counts, run: run, round: task.round) }
        if plain.releasesModel { try await ledger.release(.model, run: run, round: task.round) }
        if !claimsPrivacy {
            try await ledger.release(.seededNoise, run: run, round: task.round)
        } else if let limits {
            try await ledger.book(events, run: run, round: task.round, within: limits)
        }
        var update = try await base.train(task)
        if !plain.sendsMetrics { update.metrics = [:] }
        if let stated = plain.statedExamples { (update.examples, update.steps) = (stated, 0) }
        return update
    }

    public func validate(_ task: ValidationTask) async throws -> ValidationResult {
        guard plain.sendsMetrics else {
            return ValidationResult(examples: plain.statedExamples ?? 0, metrics: [:])
        }
        try await ledger.release(.metrics, run: run, round: task.round)
        var result = try await base.validate(task)
        result.examples = try await examples(result.examples, round: task.round)
        return result
    }

    public func model() async throws -> Weights {
        try await ledger.release(.model, run: run, round: 0)
        return try await base.model()
    }

    public func finish(_ model: Weights) async throws { try await base.finish(model) }

    private func examples(_ count: Int, round: Int) async throws -> Int {
        if let stated = plain.statedExamples { return stated }
        try await ledger.release(.counts, run: run, round: round)
        return count
    }
}
