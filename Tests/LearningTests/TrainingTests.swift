import Federation
import Foundation
import Imaging
import Learning
import NNUNet
import SharedData
import Testing
import Torch

@Suite struct TrainingTests {
    @Test(.enabled(if: SharedData.url("golden/misc_golden.json") != nil, "the golden values are not here"))
    func polynomialScheduleEqualsTheGoldens() throws {
        let golden = try #require(SharedData.json("golden/misc_golden.json")["polylr_1e-2_1000"] as? [String: Double])
        #expect(!golden.isEmpty)
        for (epoch, rate) in golden {
            let own = LearningRateSchedule.polynomial().learningRate(epoch: Int(epoch)!, of: 1000, initial: 1e-2)
            #expect(abs(own - rate) <= 1e-15)
        }
    }

    @Test func schedulesHaveNNUNetsValues() {
        let cosine = LearningRateSchedule.cosine
        #expect(cosine.learningRate(epoch: 0, of: 100, initial: 0.01) == 0.01)
        #expect(abs(cosine.learningRate(epoch: 50, of: 100, initial: 0.01) - 0.005) < 1e-15)
        let warmUp = LearningRateSchedule.warmUp(epochs: 50)
        #expect(abs(warmUp.learningRate(epoch: 0, of: 1000, initial: 0.01) - 0.0002) < 1e-15)
        #expect(abs(warmUp.learningRate(epoch: 49, of: 1000, initial: 0.01) - 0.01) < 1e-15)
        #expect(abs(warmUp.learningRate(epoch: 525, of: 1000, initial: 0.01) - 0.01 * pow(0.5, 0.9)) < 1e-15)
    }

    @Test func variantsAreSettings() throws {
        #expect(try TrainingSettings(trainerName: "nnUNetTrainer").epochs == 1000)
        let short = try TrainingSettings(trainerName: "nnUNetTrainer_250epochs_NoMirroring")
        #expect(short.epochs == 250 && short.mirroring.axes(dimensions: 3) == nil)
        let planar = try TrainingSettings(trainerName: "nnUNetTrainer_onlyMirror01")
        #expect(planar.mirroring.axes(dimensions: 3) == [0, 1] && planar.mirroring.axes(dimensions: 2) == [0])
        let sampling = try TrainingSettings(trainerName: "nnUNetTrainer_probabilisticOversampling", batchSize: 2)
        #expect(sampling.probabilisticOversampling && sampling.oversampleForeground == 0.5)
        do {
            _ = try TrainingSettings(trainerName: "nnUNetTrainerMagic")
            Issue.record("an unknown trainer was taken")
        } catch {
            #expect("\(error)".contains("nnUNetTrainer_5epochs"))
        }
    }

    @Test func overlapIgnoresEmptyClasses() {
        var counts = OverlapCounts(classes: 2)
        counts.truePositives[0] = 3
        counts.falseNegatives[0] = 2
        #expect(counts.dice[0] == 0.75 && counts.dice[1].isNaN && counts.meanDice == 0.75)
    }

    @Test func historyAveragesLikeNNUNet() {
        var history = TrainingHistory()
        for dice in [0.5, 0.7, .nan, 0.6] {
            history.append(
                EpochRecord(
                    epoch: 0, trainingLoss: 0, validationLoss: 0, dice: [dice], meanDice: dice, learningRate: 0,
                    start: 0, end: 1))
        }
        #expect(history.movingAverageDice[0] == 0.5)
        #expect(abs(history.movingAverageDice[1] - 0.52) < 1e-12)
        #expect(history.movingAverageDice[2] == history.movingAverageDice[1])
        #expect(abs(history.movingAverageDice[3] - 0.528) < 1e-12)
    }

    @Test(arguments: [TrainingSettings.OptimizerKind.sgd, .adamW]) func theLossFalls(
        optimizer: TrainingSettings.OptimizerKind
    ) async throws {
        var settings = TrainingSettings.quick
        settings.optimizer = optimizer
        if optimizer != .sgd { settings.initialLearningRate = 3e-3 }
        let trainer = try await localTrainer(settings)
        let records = try await trainer.run(epochs: 10)
        #expect(records.count == settings.epochs)
        let first = try #require(records.first)
        let last = try #require(records.last)
        #expect(last.trainingLoss < first.trainingLoss - 0.3, "\(first.trainingLoss) to \(last.trainingLoss)")
        #expect(last.meanDice > 0.5, "\(records.map(\.meanDice))")
    }

    @Test(arguments: [TrainingSettings.Precision.float32, .bfloat16])
    func aResumedTrainingEndsWithTheSameBits(precision: TrainingSettings.Precision) async throws {
        var settings = TrainingSettings.quick
        settings.precision = precision
        let whole = try await localTrainer(settings)
        try await whole.run(epochs: 4)

        let first = try await localTrainer(settings)
        try await first.run(epochs: 2)
        let saved = try await first.snapshot()
        #expect(saved.epoch == 2 && !saved.optimizer.isEmpty)
        let second = try await localTrainer(settings)
        try await second.restore(saved, from: "the test")
        try await second.run(epochs: 2)
        let (a, b) = (try await whole.snapshot(), try await second.snapshot())
        let equal = (weights: a.weights == b.weights, optimizer: a.optimizer == b.optimizer)
        #expect(equal.weights && equal.optimizer)
        #expect(a.history.trainingLosses == b.history.trainingLosses)
        #expect(a.history.dicePerClass == b.history.dicePerClass)
    }

    @Test func anotherNetworksWeightsAreRefused() async throws {
        let trainer = try await localTrainer(.quick)
        var weights = try await trainer.weights
        let name = try #require(weights.names.first)
        weights.set(Weights.Tensor(name, [0], shape: [1]))
        await #expect(throws: LearningError.self) { try await trainer.setWeights(weights) }
        weights = weights.keeping { $0 != name }
        await #expect(throws: LearningError.self) { try await trainer.setWeights(weights) }
    }

    @Test func pretrainedWeightsLeaveTheHeadsAlone() async throws {
        let trainer = try await localTrainer(.quick)
        let before = try await trainer.weights
        var other = before
        for name in other.names {
            let shape = before[name]!.shape
            other.set(Weights.Tensor(name, [Float](repeating: 0.25, count: shape.reduce(1, *)), shape: shape))
            if name.contains(".seg_layers.") {
                other.set(Weights.Tensor(name, [Float](repeating: 0, count: 7), shape: [7]))
            }
        }
        let given = other
        try await trainer.perform { try $0.loadPretrained(given, from: "a file") }
        let after = try await trainer.weights
        for name in before.names {
            let kept = after[name]?.floats == (name.contains(".seg_layers.") ? before[name] : other[name])?.floats
            #expect(kept, "\(name)")
        }
    }

    @Test func aLossThatIsNotFiniteStopsWithAHint() async throws {
        let source = BallBatches(poisoned: true)
        let trainer = try await LocalTrainer(
            architecture: .tiny(), inputChannels: 1, heads: SegmentationHeads(count: 2), batchDice: false,
            settings: .quick, seed: 1,
            training: .batches(source), validation: source)
        let before = try await trainer.weights
        do {
            try await trainer.run(epochs: 1)
            Issue.record("NaN was trained on")
        } catch {
            #expect("\(error)".contains("--initial-lr"))
        }
        let unchanged = try await trainer.weights == before
        #expect(unchanged)
    }

    private func localTrainer(_ settings: TrainingSettings) async throws -> LocalTrainer {
        try await LocalTrainer(
            architecture: .tiny(), inputChannels: 1, heads: SegmentationHeads(count: 2), batchDice: false,
            settings: settings, seed: 7,
            training: .batches(BallBatches()), validation: BallBatches())
    }
}

extension TrainingSettings {
    /// Four short epochs.
    static var quick: TrainingSettings {
        var settings = TrainingSettings()
        settings.epochs = 4
        settings.iterationsPerEpoch = 20
        settings.validationIterationsPerEpoch = 4
        settings.threads = 1  // libtorch has one number for the process, and other suites set it to 1
        settings.precision = .float32
        return settings
    }
}

/// Bright balls on noise; each batch follows from its number.
struct BallBatches: BatchSource {
    var poisoned = false

    func batch(_ number: Int) throws -> TrainingBatch {
        let size = 16
        var state = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
        func next() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / Float(1 << 24)
        }
        var data = Volume<Float>(shape: [2, 1, size, size, size], repeating: poisoned ? .nan : 0)
        var target = Volume<Int16>(shape: [2, 1, size, size, size], repeating: 0)
        for sample in 0..<2 {
            let centre = (0..<3).map { _ in 4 + 8 * next() }
            for voxel in 0..<size * size * size {
                let position = [voxel / 256, voxel / 16 % 16, voxel % 16].map(Float.init)
                let distance = zip(position, centre).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                let inside = distance < 16
                data.elements[sample * 4096 + voxel] += (inside ? 1.5 : 0) + next() - 0.5
                target.elements[sample * 4096 + voxel] = inside ? 1 : 0
            }
        }
        let half = Volume(
            shape: [2, 1, 8, 8, 8],
            elements: (0..<1024).map { index in
                let (sample, z, y, x) = (index / 512, index / 64 % 8, index / 8 % 8, index % 8)
                return target[[sample, 0, 2 * z, 2 * y, 2 * x]]
            })
        return TrainingBatch(data: data, targets: [target, half])
    }
}
