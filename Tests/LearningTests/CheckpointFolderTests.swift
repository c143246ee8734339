import Foundation
import Learning
import NNUNet
import Testing

@Suite struct CheckpointFolderTests {
    @Test(arguments: [TrainingSettings.OptimizerKind.sgd, .adamW])
    func aSnapshotComesBackWhole(optimizer: TrainingSettings.OptimizerKind) async throws {
        var settings = TrainingSettings.quick
        settings.optimizer = optimizer
        settings.iterationsPerEpoch = 3
        let trainer = try await LocalTrainer(
            architecture: .tiny(), inputChannels: 1, heads: SegmentationHeads(count: 2), batchDice: false,
            settings: settings, seed: 7, training: .batches(BallBatches()), validation: BallBatches())
        try await trainer.run(epochs: 1)
        let snapshot = try await trainer.snapshot()
        let folder = FileManager.default.temporaryDirectory.appending(path: "cohort-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = CheckpointFolder(
            folder: folder,
            initArguments: .init(
                plans: JSONObject(), configuration: "3d_fullres", fold: "0", datasetJSON: JSONObject(), device: "cpu"),
            settings: settings, mirrorAxes: [0, 1, 2])
        #expect(try store.load(.latest) == nil)
        try store.save(snapshot, as: .latest)
        let same = try store.load(.latest) == snapshot
        #expect(same)
        try store.remove(.latest)
        #expect(try store.load(.latest) == nil)
    }
}
