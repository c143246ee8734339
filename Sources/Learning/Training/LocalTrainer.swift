import Federation
import NNUNet
import Torch

/// A ``Trainer`` with a thread of its own, driven from anywhere: weights go in and come out as values, momentum and
/// history stay here. A federation runs it epoch by epoch, a local training once.
public actor LocalTrainer {
    private let thread: TorchThread
    private let trainer: Trainer
    private let training: TrainingSource
    let validation: any BatchSource

    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Makes the trainer on the thread that keeps it.
    ///
    /// - Parameter batchDice: what the plan says; a training on records sums over none but one record's patches.
    public init(
        architecture: NetworkArchitecture, inputChannels: Int, heads: SegmentationHeads, batchDice: Bool,
        settings: TrainingSettings, device: Device = .cpu, seed: UInt64, training: TrainingSource,
        validation: any BatchSource
    ) async throws {
        let thread = TorchThread()
        let birth = Birth(thread: thread)
        trainer = try await birth.make {
            guard case .records = training else {
                return try Trainer(
                    architecture: architecture, inputChannels: inputChannels, heads: heads, batchDice: batchDice,
                    settings: settings, device: device, seed: seed)
            }
            let trainer = try Trainer(
                architecture: architecture, inputChannels: inputChannels, heads: heads, batchDice: false,
                settings: settings, device: device, seed: seed)
            try trainer.requireIndependentSamples()
            return trainer
        }
        self.thread = thread
        self.training = training
        self.validation = validation
    }

    /// Finished epochs.
    public var epoch: Int { trainer.epoch }
    public var history: TrainingHistory { trainer.history }
    public var weights: Weights { get throws { try trainer.network.parameters.weights() } }
    public func setWeights(_ weights: Weights) throws { try trainer.setWeights(weights) }
    public func snapshot() throws -> TrainingSnapshot { try trainer.snapshot() }
    public func restore(_ snapshot: TrainingSnapshot, from file: String) throws {
        try trainer.restore(snapshot, from: file)
    }

    /// Runs whole epochs from where the training stands; see ``Trainer/run(epochs:training:validation:willStep:didFinish:)``.
    @discardableResult
    public func run(
        epochs: Int, willStep: @Sendable (TrainingProgress) throws -> Void = { _ in },
        didFinish: @Sendable (EpochRecord, _ isBest: Bool) throws -> Void = { _, _ in }
    ) throws -> [EpochRecord] {
        var records: [EpochRecord] = []
        try trainer.run(epochs: epochs, training: training, validation: validation, willStep: willStep) {
            records.append($0)
            try didFinish($0, $1)
        }
        return records
    }

    /// Books the steps of so many epochs of a training on records, which are trained by `run` then, and never without.
    ///
    /// What was booked before and not made is given up: it is spent all the same. So a round that comes again after a crash is
    /// booked again, as it is trained again; an update that is only sent again costs nothing.
    ///
    /// - Throws: what `GradientPrivacy.book` does, where the steps would cost more than the site allows.
    public func book(epochs: Int, round: Int) async throws {
        guard case .records(let source, let privacy) = training else { return }
        let steps = trainer.epochsToRun(of: epochs) * trainer.settings.iterationsPerEpoch
        trainer.bookedSteps = 0
        guard steps > 0 else { return }
        try await privacy.book(steps: steps, round: round, records: source.records)
        trainer.bookedSteps = steps
    }

    /// How often a record took part whose gradient was not finite.
    var recordsLeftOut: Int { trainer.recordsLeftOut }

    /// Work with the trainer itself, on its thread.
    public func perform<Result: Sendable>(_ body: @Sendable (Trainer) throws -> Result) throws -> Result {
        try body(trainer)
    }
}

/// Makes things on a torch thread and hands them to whoever lives there.
actor Birth {
    private let thread: TorchThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(thread: TorchThread) { self.thread = thread }

    func make<Value>(_ body: @Sendable () throws -> sending Value) throws -> sending Value { try body() }
}
