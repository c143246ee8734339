import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A learner whose training and validation are ended when the program holds more memory than the site gives.
///
/// The limit is looked at four times a second: what must not be passed for a moment needs the system's own
/// (`MemoryMax=` of systemd, a container's limit), which ends the whole program.
public struct MemoryLimitedLearner: Learner {
    private let learner: any Learner
    private let limit: Int
    private let used: @Sendable () -> Int?

    /// - Parameters:
    ///   - limit: bytes.
    ///   - used: bytes that the program holds; nil where the system does not tell.
    public init(_ learner: any Learner, limit: Int, used: @escaping @Sendable () -> Int?) {
        self.learner = learner
        self.limit = limit
        self.used = used
    }

    private func limited<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result
    {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                while (used() ?? 0) <= limit {
                    do { try await Task.sleep(for: .milliseconds(250)) } catch { return nil }
                }
                throw FederationError.site(
                    "It needed more memory than the \((Double(limit) / 1_073_741_824).formatted()) GiB that the site gives."
                )
            }
            defer { group.cancelAll() }
            while let result = try await group.next() { if let result { return result } }
            throw CancellationError()
        }
    }

    public func answer(_ question: Data) async throws -> Data {
        try await limited { try await learner.answer(question) }
    }
    public func describe() async throws -> SiteDescription { try await learner.describe() }
    public func initialWeights() async throws -> Weights { try await learner.initialWeights() }
    public func train(_ task: TrainTask) async throws -> ModelUpdate {
        try await limited { try await learner.train(task) }
    }
    public func validate(_ task: ValidationTask) async throws -> ValidationResult {
        try await limited { try await learner.validate(task) }
    }
    public func model() async throws -> Weights { try await learner.model() }
    public func finish(_ model: Weights) async throws { try await learner.finish(model) }
}
