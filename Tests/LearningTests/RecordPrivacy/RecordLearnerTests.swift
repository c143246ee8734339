import Federation
import Foundation
import Learning
import NNUNet
import Synchronization
import Testing

/// DP-SGD at a site of a federation, on phantoms.
@Suite struct RecordLearnerTests {
    private final class Lines: Sendable {
        let text = Mutex("")
        func write(_ line: String) { text.withLock { $0 += line + "\n" } }
    }

    /// A prepared site of six phantoms in a folder of its own; four are trained on.
    private func site() async throws -> NNUNetSite {
        let folder = FileManager.default.temporaryDirectory.appending(path: "records-\(UUID().uuidString)")
        let folders = DatasetFolders(
            raw: folder.appending(path: "raw"), preprocessed: folder.appending(path: "preprocessed"),
            results: folder.appending(path: "results"))
        let phantom = try Phantom(
            modality: .mr, labels: 1, size: [16, 24, 20], spacing: [2, 1, 1], scanners: 1, channels: 1, seed: 1)
        try PhantomDataset(phantom, trainingCases: 6, testCases: 0)
            .write(to: folders.raw.appending(path: "Dataset301_north"))
        var site = NNUNetSite(dataset: "Dataset301_north", folders: folders, modality: "MR")
        site.settings.iterationsPerEpoch = 1
        site.settings.validationIterationsPerEpoch = 1
        site.settings.batchSize = 1
        site.settings.threads = 1
        site.settings.loaderThreads = 1
        site.settings.precision = .float32
        let question = NNUNetQuestion.prepareAlone(PlanningOrder())
        _ = try await NNUNetLearner(site).answer(JSONEncoder().encode(question))
        return site
    }

    @Test func roundsAreBookedAndTellNothingUnnoised() async throws {
        var site = try await site()
        defer { try? FileManager.default.removeItem(at: site.folders.raw.deletingLastPathComponent()) }
        let plain = NNUNetLearner(site)
        let model = try await plain.initialWeights()
        let ordinary = try await plain.train(TrainTask(round: 1, rounds: 3, model: model))
        #expect(ordinary.examples == 4 && ordinary.metrics["loss"]?.isFinite == true)

        site.publicExamples = 100
        let privacy = SeededPrivacy(clippingNorm: 1, expectedBatch: 2, noiseMultiplier: 0.5, rate: 0.5, cap: 3)
        let log = Lines()
        let learner = NNUNetLearner(site, privacy: privacy, log: { log.write($0) })
        #expect(try await learner.describe().examples == 100)
        let update = try await learner.train(TrainTask(round: 1, rounds: 3, model: model))
        #expect(update.examples == 100 && update.steps == 1 && update.metrics.isEmpty)
        #expect(privacy.bookings.map(\.steps) == [1] && privacy.bookings.map(\.round) == [1])
        let cases = privacy.bookings.flatMap(\.records)
        #expect(cases.count == 4 && cases.allSatisfy { $0.hasPrefix("phantom_") })
        let sent = try #require(update.tensors as? Weights)
        #expect(sent.names == model.names && sent != model)

        // The round comes again, at a learner that was started anew: it is trained again, and booked again.
        let restarted = NNUNetLearner(site, privacy: privacy, log: { log.write($0) })
        let again = try await restarted.train(TrainTask(round: 1, rounds: 3, model: model))
        #expect(privacy.bookings.map(\.round) == [1, 1])
        // Noise is not made twice.
        let same = again.tensors as? Weights == sent
        #expect(!same)

        // The third booking is the last; what the account says stays in the log, also that it names a patient.
        _ = try await restarted.train(TrainTask(round: 2, rounds: 3, model: again.tensors as? Weights ?? model))
        let before = try await restarted.model()
        let error = await #expect(throws: FederationError.self) {
            try await restarted.train(TrainTask(round: 3, rounds: 3, model: model))
        }
        let words = "\(try #require(error))"
        #expect(words.contains("privacy") && !words.contains("anna"))
        #expect(log.text.withLock { $0.contains("the account of anna and boris is spent") })
        #expect(privacy.bookings.count == 3)
        let untouched = try await restarted.model() == before
        #expect(untouched)
    }

    /// A state that a training without bounds has left is not taken up: momentum would carry it into the updates.
    @Test func anUnboundedTrainingsMomentumIsNotTakenUp() async throws {
        let site = try await site()
        defer { try? FileManager.default.removeItem(at: site.folders.raw.deletingLastPathComponent()) }
        let plain = NNUNetLearner(site)
        let model = try await plain.initialWeights()
        for round in 1...2 { _ = try await plain.train(TrainTask(round: round, rounds: 3, model: model)) }
        // Nobody takes part and there is no noise: only momentum could move the weights away from decay alone.
        let learner = NNUNetLearner(site, privacy: SeededPrivacy(clippingNorm: 1, rate: 0))
        let update = try await learner.train(TrainTask(round: 3, rounds: 3, model: model))
        let sent = try #require(update.tensors as? Weights)
        var moved: Float = 0
        for tensor in model.tensors {
            let (a, b) = (try #require(tensor.floats), try #require(sent[tensor.name]?.floats))
            for index in a.indices { moved = max(moved, abs(a[index] - b[index]) / max(1, abs(a[index]))) }
        }
        #expect(moved < 1e-6, "\(moved)")
    }

    @Test func patientsAreRecordsAndNoneMayBeMissing() async throws {
        var site = try await site()
        defer { try? FileManager.default.removeItem(at: site.folders.raw.deletingLastPathComponent()) }
        let identifiers = (0..<6).map { "phantom_000\($0)" }
        site.recordOfCase = Dictionary(uniqueKeysWithValues: identifiers.map { ($0, "anna") })
        site.patchesPerRecord = 2
        site.sendsTrainingMetrics = true
        let privacy = SeededPrivacy(clippingNorm: 1)
        let learner = NNUNetLearner(site, privacy: privacy)
        let model = try await learner.initialWeights()
        let update = try await learner.train(TrainTask(round: 1, rounds: 1, model: model))
        #expect(privacy.bookings == [.init(steps: 1, round: 1, records: ["anna"])])
        #expect(update.metrics["loss"]?.isFinite == true)

        site.recordOfCase["phantom_0003"] = nil
        site.recordOfCase["phantom_0004"] = nil
        site.recordOfCase["phantom_0005"] = nil
        let error = await #expect(throws: FederationError.self) {
            try await NNUNetLearner(site, privacy: SeededPrivacy(clippingNorm: 1)).describe()
        }
        #expect("\(try #require(error))".contains("complete the column that names patients"))

        site.recordOfCase = [:]
        site.publicExamples = 100
        site.smallestNumberOfCases = 5
        await #expect(throws: FederationError.self) {
            try await NNUNetLearner(site, privacy: SeededPrivacy(clippingNorm: 1)).describe()
        }
    }
}
