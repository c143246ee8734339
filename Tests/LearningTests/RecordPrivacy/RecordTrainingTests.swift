import Federation
import Foundation
import Learning
import NNUNet
import Testing
import Torch

/// DP-SGD in nnU-Net's trainer.
@Suite struct RecordTrainingTests {
    private func trainer(_ adjust: (inout TrainingSettings) -> Void = { _ in }) throws -> Trainer {
        var settings = TrainingSettings.quick
        settings.gradientNormLimit = 1e9
        adjust(&settings)
        return try Trainer(
            architecture: .tiny(), inputChannels: 1, heads: SegmentationHeads(count: 2), batchDice: false,
            settings: settings, seed: 7)
    }

    /// The gradients that stand on the parameters, one after the other; of those without one, zeros.
    private func gradient(_ trainer: Trainer) throws -> [Double] {
        try trainer.network.parameters.parameters.flatMap { parameter in
            try parameter.gradient()?.array(Double.self) ?? [Double](repeating: 0, count: parameter.count)
        }
    }

    private func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    /// Against separate backward passes, with and without a record whose gradient is ten thousand times as long.
    @Test func anOutlierChangesTheSumByAtMostTheClippingNorm() throws {
        let trainer = try trainer()
        let source = BallRecords(4)
        let outlier = 2
        func loss(_ record: Int) throws -> Tensor {
            try trainer.loss(of: source.patches(of: record, step: 0)).loss * (record == outlier ? 1e4 : 1)
        }
        let single = try source.records.indices.map { record in
            for parameter in trainer.network.parameters.parameters { parameter.clearGradient() }
            try loss(record).backward()
            return try gradient(trainer)
        }
        // Clips two of them, and not the two others.
        let clip = single.map(norm).sorted()[1] * 1.01
        func sum(without absent: Int? = nil) throws -> [Double] {
            for parameter in trainer.network.parameters.parameters { parameter.clearGradient() }
            let records = source.records.indices.filter { $0 != absent }
            _ = try trainer.recordStep(SeededPrivacy(clippingNorm: clip)).gradient(records: records.count) {
                try loss(records[$0])
            }
            return try gradient(trainer)
        }
        let with = try sum()
        var expected = [Double](repeating: 0, count: with.count)
        let bound = clip * (1 - DPSGDStep.margin)
        for one in single {
            let factor = min(1, bound / norm(one))
            for index in one.indices { expected[index] += factor * one[index] }
        }
        #expect(norm(single[outlier]) > 1e3 * clip)
        #expect(norm(zip(with, expected).map { $0 - $1 }) < 1e-5 * norm(expected))
        let change = norm(zip(with, try sum(without: outlier)).map { $0 - $1 })
        #expect(change <= clip && change > 0.998 * clip, "\(change) of \(clip)")
        for index in [0, 1, 3] {
            #expect(norm(zip(with, try sum(without: index)).map { $0 - $1 }) <= clip)
        }
    }

    /// All records, no clipping, no noise: nnU-Net's step on the batch of their patches, whatever is a record.
    @Test(arguments: [1, 2, 4]) func withoutBoundsAStepIsTheOrdinaryOne(patchesPerRecord: Int) throws {
        struct Grouped: RecordSource {
            let size: Int
            var records: [String] { (0..<4 / size).map(String.init) }
            func patches(of record: Int, step: Int) throws -> TrainingBatch {
                try .init(joining: (0..<size).map { try BallRecords(4).patches(of: record * size + $0, step: 0) })
            }
        }
        let source = Grouped(size: patchesPerRecord)
        let (ordinary, bounded) = (try trainer(), try trainer())
        let privacy = SeededPrivacy(expectedBatch: Double(source.records.count))
        let gradient = try bounded.recordStep(privacy)
        // Twice, so that momentum is there too.
        for number in 0..<2 {
            let batch = try TrainingBatch(joining: (0..<4).map { try BallRecords(4).patches(of: $0, step: 0) })
            let loss = try ordinary.step(batch).item()
            let outcome = try bounded.step(gradient, on: source, number: number)
            #expect(abs(outcome.losses.reduce(0, +) / Double(outcome.losses.count) - loss) < 1e-5)
        }
        let (a, b) = (try ordinary.network.parameters.weights(), try bounded.network.parameters.weights())
        let fresh = try trainer().network.parameters.weights()
        let names = a.names
        #expect(!names.isEmpty)
        var (apart, moved) = (0 as Float, 0 as Float)
        for name in names {
            let (x, y) = (try #require(a[name]?.floats), try #require(b[name]?.floats))
            let start = try #require(fresh[name]?.floats)
            for index in x.indices {
                apart = max(apart, abs(x[index] - y[index]))
                moved = max(moved, abs(x[index] - start[index]))
            }
        }
        #expect(apart < 2e-6 && moved > 1e-3, "\(apart) of \(moved)")
    }

    /// Nobody takes part: the optimizer steps along noise alone, of the right size in every tensor that is trained.
    ///
    /// The bounds are passed by chance with a probability below 1e-9.
    @Test func anEmptyBatchIsAStepOfNoise() throws {
        let trainer = try trainer {
            $0.momentum = 0
            $0.weightDecay = 0
        }
        let before = try trainer.network.parameters.weights()
        let privacy = SeededPrivacy(clippingNorm: 3, expectedBatch: 4, noiseMultiplier: 0.5, rate: 0, seed: 5)
        let outcome = try trainer.step(trainer.recordStep(privacy), on: BallRecords(4), number: 0)
        #expect(outcome.losses.isEmpty && outcome.leftOut == 0)
        let after = try trainer.network.parameters.weights()
        let deviation = trainer.settings.initialLearningRate * 0.5 * 3 / 4
        var (squares, sum, count) = (0.0, 0.0, 0.0)
        for tensor in before.tensors {
            let steps = zip(try #require(tensor.floats), try #require(after[tensor.name]?.floats)).map {
                Double($1 - $0) / deviation
            }
            // The head below full resolution, whose loss weighs nothing.
            if tensor.name.hasPrefix("decoder.seg_layers.0.") {
                #expect(steps.allSatisfy { $0 == 0 })
                continue
            }
            let own = steps.reduce(0) { $0 + $1 * $1 }
            let n = Double(steps.count)
            // Wilson and Hilferty's cube root of a χ² is nearly normal.
            let z = (pow(own / n, 1.0 / 3) - (1 - 2 / (9 * n))) / (2 / (9 * n)).squareRoot()
            #expect(abs(z) < 7, "\(tensor.name) \(own / n)")
            squares += own
            sum += steps.reduce(0, +)
            count += n
        }
        #expect(count > 5000)
        #expect(abs(squares / count - 1) < 6.5 * (2 / count).squareRoot(), "\(squares / count)")
        #expect(abs(sum / count) < 6.5 / count.squareRoot())
    }

    /// What is not trained gets neither gradient nor noise, and has no part in the norm.
    @Test func frozenTensorsStayAsTheyAre() throws {
        let trainer = try trainer()
        let frozen = try #require(trainer.network.parameters.names.first)
        trainer.federatedStep.frozen = [frozen]
        let before = try trainer.network.parameters.weights()
        let privacy = SeededPrivacy(clippingNorm: 1, noiseMultiplier: 1)
        try trainer.step(trainer.recordStep(privacy), on: BallRecords(2), number: 0)
        let after = try trainer.network.parameters.weights()
        let changed = Set(before.names.filter { before[$0]?.floats != after[$0]?.floats })
        // Clipped by what is trained alone.
        let clip = SeededPrivacy(clippingNorm: 1e-3)
        _ = try trainer.recordStep(clip).gradient(records: 1) { record in
            try trainer.loss(of: BallRecords(2).patches(of: record, step: 1)).loss
        }
        trainer.network.parameters[frozen]?.clearGradient()
        #expect(abs(norm(try gradient(trainer)) / 1e-3 - (1 - DPSGDStep.margin)) < 1e-6)
        let unused = before.names.filter { $0.hasPrefix("decoder.seg_layers.0.") }
        #expect(!unused.isEmpty && changed == Set(before.names).subtracting(unused + [frozen]))
    }

    /// The parameters that are noised are those that an ordinary step gives a gradient.
    @Test func theTrainedParametersAreThoseWithAGradient() throws {
        let trainer = try trainer()
        try trainer.step(BallBatches().batch(0))
        let parameters = trainer.network.parameters
        let touched = try zip(parameters.names, parameters.parameters).filter { try $1.gradient() != nil }.map(\.0)
        let other = try self.trainer()
        try other.step(other.recordStep(SeededPrivacy(rate: 0)), on: BallRecords(1), number: 0)
        let own = try zip(parameters.names, other.network.parameters.parameters).filter { try $1.gradient() != nil }
            .map(\.0)
        #expect(touched == own && !own.isEmpty)
    }

    // MARK: Whole trainings

    private func localTrainer(
        _ settings: TrainingSettings = .quick, _ privacy: SeededPrivacy, records: Int = 8
    ) async throws -> LocalTrainer {
        try await LocalTrainer(
            architecture: .tiny(), inputChannels: 1, heads: SegmentationHeads(count: 2), batchDice: true,
            settings: settings, seed: 7, training: .records(BallRecords(records), privacy), validation: BallBatches())
    }

    @Test(arguments: [TrainingSettings.Precision.float32, .bfloat16])
    func aTrainingWithLittleNoiseLearns(precision: TrainingSettings.Precision) async throws {
        var settings = TrainingSettings.quick
        settings.precision = precision
        let privacy = SeededPrivacy(clippingNorm: 1, expectedBatch: 2, noiseMultiplier: 0.002, rate: 0.25)
        let trainer = try await localTrainer(settings, privacy)
        try await trainer.book(epochs: 4, round: 1)
        #expect(privacy.bookings == [.init(steps: 80, round: 1, records: BallRecords(8).records)])
        let epochs = try await trainer.run(epochs: 4)
        let (first, last) = (try #require(epochs.first), try #require(epochs.last))
        #expect(last.trainingLoss < first.trainingLoss - 0.3, "\(first.trainingLoss) to \(last.trainingLoss)")
        #expect(last.meanDice > 0.5, "\(epochs.map(\.meanDice))")
    }

    @Test func onlyBookedStepsAreMade() async throws {
        let privacy = SeededPrivacy(clippingNorm: 1, cap: 30)
        let trainer = try await localTrainer(.quick, privacy)
        let before = try await trainer.weights
        await #expect(throws: LearningError.self) { try await trainer.run(epochs: 1) }
        await #expect(throws: SeededPrivacy.Refusal.self) { try await trainer.book(epochs: 2, round: 1) }
        await #expect(throws: LearningError.self) { try await trainer.run(epochs: 1) }
        let untouched = try await trainer.weights == before
        #expect(untouched && privacy.bookings.isEmpty)
        try await trainer.book(epochs: 1, round: 1)
        try await trainer.run(epochs: 1)
        let moved = try await trainer.weights != before
        #expect(moved)
        await #expect(throws: LearningError.self) { try await trainer.run(epochs: 1) }
        await #expect(throws: SeededPrivacy.Refusal.self) { try await trainer.book(epochs: 1, round: 2) }
    }
}

extension TrainingBatch {
    init(joining batches: [TrainingBatch]) throws { self = BallRecords.joined(batches) }
}
