import Federation
import Foundation
import Study
import Synchronization
import Testing

@Suite struct MemoryLimitedLearnerTests {
    /// Trains until it is cancelled, or at once.
    private actor Learning: Learner {
        let isEndless: Bool
        private(set) var wasCancelled = false
        init(isEndless: Bool) { self.isEndless = isEndless }

        func answer(_ question: Data) -> Data { question }
        func describe() -> SiteDescription { SiteDescription(name: "", examples: 1, tensors: []) }
        func initialWeights() -> Weights { Weights([]) }
        func train(_ task: TrainTask) async throws -> ModelUpdate {
            if isEndless {
                do { try await Task.sleep(for: .seconds(600)) } catch {
                    wasCancelled = true
                    throw error
                }
            }
            return ModelUpdate(.weights, task.model, examples: 7, steps: 1)
        }
        func validate(_ task: ValidationTask) -> ValidationResult { ValidationResult(examples: 1, metrics: [:]) }
        func model() -> Weights { Weights([]) }
        func finish(_ model: Weights) {}
    }

    private final class Usage: Sendable {
        private let bytes: Mutex<[Int]>
        init(_ bytes: [Int]) { self.bytes = Mutex(bytes) }
        func next() -> Int { bytes.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }
    }

    private let task = TrainTask(round: 1, rounds: 1, model: Weights([]))

    @Test func trainingThatNeedsMoreIsEndedWithTheReason() async throws {
        let inner = Learning(isEndless: true)
        let usage = Usage([1 << 30, (2 << 30) + 1])
        let learner = MemoryLimitedLearner(inner, limit: 2 << 30) { usage.next() }
        let error = await #expect(throws: FederationError.self) { try await learner.train(task) }
        #expect("\(error!)".contains("2 GiB"))
        #expect(await inner.wasCancelled)
    }

    @Test func withinTheLimitNothingChanges() async throws {
        let learner = MemoryLimitedLearner(Learning(isEndless: false), limit: 2 << 30) { 2 << 30 }
        #expect(try await learner.train(task).examples == 7)
        // Where the system does not tell, there is nothing to hold it to.
        let blind = MemoryLimitedLearner(Learning(isEndless: false), limit: 1) { nil }
        #expect(try await blind.train(task).examples == 7)
    }
}
