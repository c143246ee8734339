import Federation
import FederationTesting
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct SitePolicyTests {
    private let model = toyWeights(toySite("a"), seed: 7)

    private func perform(_ task: SiteTask, _ change: (inout SitePolicy) -> Void) async throws -> SiteReply {
        var policy = SitePolicy()
        change(&policy)
        let site = Site(name: "a", learner: ToyLearner(toySite("a", examples: 12), target: 1), policy: policy)
        return try await site.perform(task)
    }

    private func refuses(_ task: SiteTask, _ fact: String, _ change: (inout SitePolicy) -> Void) async {
        await #expect {
            _ = try await perform(task, change)
        } throws: { error in
            guard case FederationError.policy(let text) = error else { return false }
            return text.contains(fact)
        }
    }

    @Test func workThatIsNotAllowedIsRefused() async throws {
        let train = SiteTask.train(TrainTask(round: 1, rounds: 1, model: model))
        await refuses(train, "train") { $0.work.remove(.train) }
        await refuses(.answer(Question(Data())), "prepare") { $0.work.remove(.prepare) }
        await refuses(.sendModel, "send-model") { $0.work.remove(.sendModel) }
        await refuses(.validate(ValidationTask(round: 1, model: model)), "validate") { $0.work.remove(.validate) }
        _ = try await perform(train) { $0.work = [.train] }
    }

    @Test func datasetsCasesAndBytesAreLimited() async throws {
        let train = SiteTask.train(TrainTask(round: 1, rounds: 1, model: model))
        await refuses(.describe, "dataset") { $0.datasets = ["Dataset002"] }
        _ = try await perform(.describe) { $0.datasets = ["Dataset001"] }
        await refuses(.describe, "13 cases") { $0.fewestCases = 13 }
        await refuses(train, "13 cases") { $0.fewestCases = 13 }
        let size = model.byteCount
        await refuses(train, "\(size) bytes") { $0.largestMessage = size - 1 }
        await refuses(.sendModel, "\(size) bytes") { $0.largestMessage = size - 1 }
        _ = try await perform(train) { $0.largestMessage = size }
    }

    @Test func hoursGoOverMidnight() throws {
        let night = SitePolicy.Hours(from: 19 * 60, to: 7 * 60)
        #expect(night.contains(minute: 23 * 60) && night.contains(minute: 0) && night.contains(minute: 7 * 60 - 1))
        #expect(!night.contains(minute: 7 * 60) && !night.contains(minute: 12 * 60))
        var policy = SitePolicy()
        policy.hours = [night]
        let train = SiteTask.train(TrainTask(round: 1, rounds: 1, model: model))
        #expect(throws: FederationError.self) { try policy.admit(train, minute: 12 * 60) }
        try policy.admit(train, minute: 60)
        try policy.admit(.describe, minute: 12 * 60)
    }
}
