import Federation
import Learning
import NNUNet
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site says of its failures names no case and no path; its log does.
@Suite(.serialized) struct SiteFailureTests {
    private final class Log: Sendable {
        private let text = Mutex("")
        func write(_ line: String) { text.withLock { $0 += line + "\n" } }
        var all: String { text.withLock { $0 } }
    }

    private func expectSilence(
        _ log: Log, naming word: String, _ body: () async throws -> Void
    ) async throws {
        let before = log.all.count
        let error = await #expect(throws: FederationError.self) { try await body() }
        let text = "\(try #require(error))"
        #expect(!text.contains("phantom_") && !text.contains("/") && !text.isEmpty, "\(text)")
        let told = String(log.all.dropFirst(before))
        #expect(told.contains(word), "\(told)")
    }

    @Test func damagedImagesAndLostFiles() async throws {
        let data = try PhantomFederation([.init(name: "north")])
        let site = data.learner(0, run: "run").site
        let log = Log()
        func learner() -> NNUNetLearner { NNUNetLearner(site, log: { log.write($0) }) }
        func ask(_ question: NNUNetQuestion) async throws -> NNUNetAnswer {
            try await JSONDecoder().decode(
                NNUNetAnswer.self, from: learner().answer(JSONEncoder().encode(question)))
        }
        let raw = site.folders.raw.appending(path: site.dataset)
        let image = raw.appending(path: "imagesTr/phantom_0002_0000.nii.gz")
        let whole = try Data(contentsOf: image)

        try whole.prefix(whole.count / 2).write(to: image)
        try await expectSilence(log, naming: "phantom_0002") {
            _ = try await ask(.fingerprint(FingerprintMerge().question!))
        }
        try await expectSilence(log, naming: "phantom_0002") { _ = try await ask(.prepareAlone(PlanningOrder())) }
        try whole.write(to: image)
        _ = try await ask(.prepareAlone(PlanningOrder()))

        let cases = site.folders.preprocessed.appending(path: site.dataset).appending(path: "nnUNetPlans_3d_fullres")
        let names = try FileManager.default.contentsOfDirectory(atPath: cases.path).filter {
            $0.hasPrefix("phantom_0003")
        }
        for name in names { try Data("broken".utf8).write(to: cases.appending(path: name)) }
        let trained = learner()
        try await expectSilence(log, naming: "phantom_0003") {
            let model = try await trained.initialWeights()
            _ = try await trained.train(TrainTask(round: 1, rounds: 1, model: model))
        }
        for name in names { try FileManager.default.removeItem(at: cases.appending(path: name)) }
        try Data("[{\"train\": [\"phantom_0003\"], \"val\": []}]".utf8).write(
            to: cases.deletingLastPathComponent().appending(path: "splits_final.json"))
        try await expectSilence(log, naming: "phantom_0003") { _ = try await learner().describe() }

        try FileManager.default.removeItem(at: raw)
        try await expectSilence(log, naming: site.dataset) { _ = try await ask(.dataset) }
    }

    /// What is about settings keeps its words: the server's people need them.
    @Test func settingsAreTold() async throws {
        let data = try PhantomFederation([.init(name: "north", cases: 5)])
        var site = data.learner(0, run: "run").site
        site.smallestNumberOfCases = 50
        let learner = NNUNetLearner(site)
        let error = await #expect(throws: FederationError.self) {
            _ = try await learner.answer(JSONEncoder().encode(NNUNetQuestion.prepareAlone(PlanningOrder())))
        }
        #expect("\(try #require(error))".contains("fewer than the 50 cases"))
    }
}
