import Synchronization

/// Asks a run to stop at its next step; made for a signal handler's hands.
public final class StopRequest: Sendable {
    private let flag = Atomic(false)

    public init() {}
    public func request() { flag.store(true, ordering: .relaxed) }
    public var isRequested: Bool { flag.load(ordering: .relaxed) }
}

/// A training from where it stands to its last epoch, with its log and its checkpoints.
public struct TrainingRun: Sendable {
    public let trainer: LocalTrainer
    public let settings: TrainingSettings
    public let checkpoints: any CheckpointStore
    public let log: TrainingLogFile
    public let stop: StopRequest
    /// Called before every step, from the trainer's thread.
    public var progress: @Sendable (TrainingProgress) -> Void = { _ in }
    /// Called after every epoch, to draw `progress.png`. What it throws is logged and ends nothing.
    public var draw: @Sendable (TrainingHistory) throws -> Void = { _ in }
    /// At most this many seconds of work are lost in a crash, even where `saveEvery` epochs take longer.
    public var secondsBetweenCheckpoints = 900.0

    /// - Parameter checkpoints: ``NoCheckpoints`` where the settings disable them.
    public init(
        trainer: LocalTrainer, settings: TrainingSettings, checkpoints: any CheckpointStore, log: TrainingLogFile,
        stop: StopRequest = StopRequest()
    ) {
        self.trainer = trainer
        self.settings = settings
        self.checkpoints = settings.disableCheckpointing ? NoCheckpoints() : checkpoints
        self.log = log
        self.stop = stop
    }

    /// Takes up an interrupted training, if there is one. Returns the checkpoint that it goes on from.
    public func resume() async throws -> CheckpointName? {
        guard let (snapshot, name) = try checkpoints.loadForContinuation() else {
            log.write(
                "WARNING: Cannot continue training because there seems to be no checkpoint available to continue from. "
                    + "Starting a new training...")
            return nil
        }
        try await trainer.restore(snapshot, from: name.rawValue)
        return name
    }

    /// Trains to the last epoch and writes `checkpoint_final.pth`.
    ///
    /// Where a stop is requested or a step fails, `checkpoint_latest.pth` holds the last whole epoch when the error is
    /// thrown, so that a resumed run ends with the weights of an uninterrupted one.
    public func run() async throws {
        // The last whole epoch, which every checkpoint is of.
        var whole = try await trainer.snapshot()
        var saved = secondsSince1970()
        while whole.epoch < settings.epochs {
            log.epochBegins(
                whole.epoch,
                learningRate: settings.schedule.learningRate(
                    epoch: whole.epoch, of: settings.epochs, initial: settings.initialLearningRate))
            do {
                try await trainer.run(epochs: 1) { [stop, progress] in
                    if stop.isRequested || Task.isCancelled { throw LearningError.cancelled }
                    progress($0)
                }
            } catch {
                if whole.epoch > 0 { try checkpoints.save(whole, as: .latest) }
                throw error
            }
            let best = whole.bestMovingAverage
            whole = try await trainer.snapshot()
            let isBest = whole.bestMovingAverage != best
            if let record = whole.history.last {
                log.epochEnds(record, newBest: isBest ? whole.bestMovingAverage : nil)
            }
            let isLast = whole.epoch == settings.epochs
            let isDue = whole.epoch % settings.saveEvery == 0 || secondsSince1970() - saved > secondsBetweenCheckpoints
            if isDue, !isLast {
                try checkpoints.save(whole, as: .latest)
                saved = secondsSince1970()
            }
            if isBest { try checkpoints.save(whole, as: .best) }
            do { try draw(whole.history) } catch { log.write("progress.png could not be drawn: \(error)") }
        }
        try checkpoints.save(whole, as: .final)
        try checkpoints.remove(.latest)
        log.write(settings.disableCheckpointing ? "No checkpoint written, checkpointing is disabled" : "Training done.")
    }
}
