import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A learner that waits for its turn before it computes.
public struct LimitedLearner: Learner {
    private let learner: any Learner
    private let turnstile: Turnstile

    public init(_ learner: any Learner, _ turnstile: Turnstile) {
        self.learner = learner
        self.turnstile = turnstile
    }

    public func answer(_ question: Data) async throws -> Data {
        try await turnstile.pass { try await learner.answer(question) }
    }
    public func describe() async throws -> SiteDescription {
        try await turnstile.pass { try await learner.describe() }
    }
    public func initialWeights() async throws -> Weights {
        try await turnstile.pass { try await learner.initialWeights() }
    }
    public func train(_ task: TrainTask) async throws -> ModelUpdate {
        try await turnstile.pass { try await learner.train(task) }
    }
    public func validate(_ task: ValidationTask) async throws -> ValidationResult {
        try await turnstile.pass { try await learner.validate(task) }
    }
    public func model() async throws -> Weights { try await learner.model() }
    public func finish(_ model: Weights) async throws { try await turnstile.pass { try await learner.finish(model) } }
}
