import Federation
import Foundation
import Imaging
import Learning
import NNUNet
import Synchronization
import Testing

@Suite struct TrainingRunTests {
    @Test func anInterruptedRunEndsWithTheWeightsOfAWholeOne() async throws {
        let whole = MemoryCheckpoints()
        try await run(whole).0.run()
        let final = try #require(try whole.load(.final))
        #expect(final.epoch == 4)
        #expect(try whole.load(.latest) == nil)
        #expect(try whole.load(.best) != nil)

        let interrupted = MemoryCheckpoints()
        let (first, _) = try await run(interrupted) { $0.epoch == 2 && $0.done == 7 }
        await #expect(throws: LearningError.cancelled) { try await first.run() }
        #expect(try interrupted.load(.latest)?.epoch == 2)
        let (second, _) = try await run(interrupted)
        #expect(try await second.resume() == .latest)
        try await second.run()
        let resumed = try #require(try interrupted.load(.final))
        let same = resumed.weights == final.weights && resumed.optimizer == final.optimizer
        #expect(same)
        #expect(resumed.history.trainingLosses == final.history.trainingLosses)
    }

    @Test func aRunIsContinuedFromTheFurthestCheckpoint() async throws {
        let checkpoints = MemoryCheckpoints()
        let (run, trainer) = try await run(checkpoints)
        #expect(try await run.resume() == nil)
        var snapshot = try await trainer.snapshot()
        snapshot.epoch = 1
        try checkpoints.save(snapshot, as: .latest)
        snapshot.epoch = 3
        try checkpoints.save(snapshot, as: .best)
        #expect(try await run.resume() == .best)
        #expect(await trainer.epoch == 3)
        snapshot.epoch = 4
        try checkpoints.save(snapshot, as: .final)
        #expect(try await run.resume() == .final)
    }

    @Test func theLogHasNNUNetsWords() async throws {
        var settings = TrainingSettings.quick
        settings.epochs = 1
        let (run, _) = try await run(MemoryCheckpoints(), settings)
        try await run.run()
        let text = try String(contentsOf: run.log.file, encoding: .utf8)
        let name = run.log.file.lastPathComponent
        #expect(name.wholeMatch(of: #/training_log_\d{4}_\d{1,2}_\d{1,2}_\d\d_\d\d_\d\d\.txt/#) != nil, "\(name)")
        let lines = text.split(separator: "\n")
        #expect(lines[1].wholeMatch(of: #/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}: Epoch 0 /#) != nil, "\(lines[1])")
        for part in [
            "Current learning rate: 0.01 ", "train_loss ", "val_loss ", "Pseudo dice [", "Epoch time: ",
            "Yayy! New best EMA pseudo Dice: ", "Training done. ",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    private func run(
        _ checkpoints: MemoryCheckpoints, _ settings: TrainingSettings = .quick,
        stoppingAt moment: @escaping @Sendable (TrainingProgress) -> Bool = { _ in false }
    ) async throws -> (TrainingRun, LocalTrainer) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cohort-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let trainer = try await LocalTrainer(
            architecture: .tiny(), inputChannels: 1, heads: SegmentationHeads(count: 2), batchDice: false,
            settings: settings, seed: 7, training: .batches(BallBatches()), validation: BallBatches())
        let stop = StopRequest()
        var run = TrainingRun(
            trainer: trainer, settings: settings, checkpoints: checkpoints,
            log: TrainingLogFile(folder: folder, console: { _ in }), stop: stop)
        run.progress = { if moment($0) { stop.request() } }
        return (run, trainer)
    }
}

/// Checkpoints in memory.
final class MemoryCheckpoints: CheckpointStore {
    private let kept = Mutex<[CheckpointName: TrainingSnapshot]>([:])
    func save(_ snapshot: TrainingSnapshot, as name: CheckpointName) throws { kept.withLock { $0[name] = snapshot } }
    func load(_ name: CheckpointName) throws -> TrainingSnapshot? { kept.withLock { $0[name] } }
    func remove(_ name: CheckpointName) throws { kept.withLock { $0[name] = nil } }
}

@Suite struct PredictorTests {
    @Test func everyCaseIsPreparedPredictedAndExportedOnce() async throws {
        let weights = try await LocalTrainer(
            architecture: .tiny(), inputChannels: 1, heads: SegmentationHeads(count: 2), batchDice: false,
            settings: .quick, seed: 3, training: .batches(BallBatches()), validation: BallBatches()
        ).weights
        let model = PredictionModel(
            architecture: .tiny(), inputChannels: 1, heads: SegmentationHeads(count: 2), patchSize: [8, 8, 8],
            mirrorAxes: [0, 1, 2], folds: [weights])
        let predictor = try await Predictor(model: model)
        let cases = MemoryCases(count: 7)
        try await predictor.predict(cases)
        #expect(
            cases.exported.withLock { $0.sorted { $0.key < $1.key }.map(\.value) } == (0..<7).map { [2, 8, 9 + $0, 8] })
        await #expect(throws: LearningError.self) { try await predictor.predict(MemoryCases(count: 3, broken: 1)) }
        await #expect(throws: LearningError.self) { try await predictor.predict(MemoryCases(count: 3, poisoned: 2)) }
        await #expect(throws: LearningError.self) {
            _ = try await predictor.logits(of: Volume(shape: [2, 8, 8, 8], repeating: 0))
        }
    }
}

final class MemoryCases: PredictionCases {
    let count: Int
    let broken: Int?
    let poisoned: Int?
    let exported = Mutex<[Int: [Int]]>([:])

    init(count: Int, broken: Int? = nil, poisoned: Int? = nil) {
        self.count = count
        self.broken = broken
        self.poisoned = poisoned
    }

    func prepare(_ index: Int) throws -> PreprocessedCase {
        if index == broken { throw LearningError.unreadable(file: "case \(index)", fact: "it is broken") }
        let shape = [8, 9 + index, 8]
        return PreprocessedCase(
            data: Volume(shape: [1] + shape, repeating: index == poisoned ? .nan : 1),
            segmentation: nil,
            properties: CaseProperties(
                geometry: .none, spacing: [1, 1, 1], shapeBeforeCropping: shape, cropBox: shape.map { 0..<$0 },
                shapeAfterCroppingBeforeResampling: shape, classLocations: []))
    }

    func export(_ logits: Volume<Float>, of prepared: PreprocessedCase, index: Int) throws {
        exported.withLock { $0[index] = logits.shape }
    }
}
