import Federation
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Lets so many sites of one machine work at a time, in the order in which they ask.
public final class Turnstile: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state: Mutex<State>

    public init(_ places: Int) { state = Mutex(State(free: max(1, places))) }

    func pass<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async throws -> Result {
        await withCheckedContinuation { continuation in
            let passes = state.withLock { state -> Bool in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if passes { continuation.resume() }
        }
        defer {
            let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
                if !state.waiting.isEmpty { return state.waiting.removeFirst() }
                state.free += 1
                return nil
            }
            next?.resume()
        }
        try Task.checkCancellation()
        return try await body()
    }
}

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
