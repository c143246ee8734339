import Federation
import Imaging
import NNUNet
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// nnU-Net at one site of a federation. Its trainer stays warm between rounds.
///
/// Momentum and the tensors that are not shared stay at the site. The state at the end of the last two rounds is kept
/// beside the checkpoints, so that a round that comes again after a crash begins where it began before.
///
/// With a `GradientPrivacy` it trains by DP-SGD, every case or patient a record. Each round is booked before its first step. A
/// round that comes again after a crash is trained again and booked again; an update that is only sent again costs nothing.
public actor NNUNetLearner: Learner {
    public nonisolated let site: NNUNetSite
    private let privacy: (any GradientPrivacy)?
    private let log: @Sendable (String) -> Void
    private let progress: @Sendable (TrainingProgress) -> Void
    private var preparation: SitePreparation
    private var current: Current?

    private struct Current {
        var training: FoldTraining
        var run: TrainingRun
        /// Whether the network is as it begins: no round trained it, and no model was put into it.
        var isFresh = true
        /// After the last local training, before any average.
        var local: Weights?
        var bestDice: Double?
    }

    /// - Parameters:
    ///   - privacy: bounds what any record changes in the updates; nil where nothing does.
    ///   - log: gets the lines of the training log, which stays at the site.
    ///   - progress: called before every step, from the trainer's thread.
    public init(
        _ site: NNUNetSite, privacy: (any GradientPrivacy)? = nil, log: @escaping @Sendable (String) -> Void = { _ in },
        progress: @escaping @Sendable (TrainingProgress) -> Void = { _ in }
    ) {
        self.site = site
        self.privacy = privacy
        self.log = log
        self.progress = progress
        preparation = SitePreparation(site)
    }

    // MARK: Before the first round

    public func answer(_ question: Data) async throws -> Data {
        try await withoutCases {
            let question = try JSONDecoder().decode(NNUNetQuestion.self, from: question)
            let answer = try preparation.answer(question)
            if case .prepared = answer { current = nil }
            return try JSONEncoder().encode(answer)
        }
    }

    public func describe() async throws -> SiteDescription {
        try await withoutCases {
            let current = try await ready(epochs: nil)
            let architecture = current.training.configuration.architecture
            let dataset = current.training.dataset
            let weights = try await current.run.trainer.weights
            return SiteDescription(
                name: "", examples: try examples(current), dataset: site.dataset, modality: site.modality,
                kind: dataset.networkEnds,
                tensors: weights.descriptions.map { architecture.role(of: $0) })
        }
    }

    /// Of a network as it begins, whenever they are asked for: what was trained leaves in updates, or by `model`.
    public func initialWeights() async throws -> Weights {
        try await withoutCases {
            // The next round begins from the states on disk, as after a restart.
            if current?.isFresh == false { current = nil }
            return try await ready(epochs: nil).run.trainer.weights
        }
    }

    /// The trainer, made for so many epochs in all; nil takes what there is.
    private func ready(epochs: Int?) async throws -> Current {
        if let current, epochs == nil || current.training.settings.epochs == epochs { return current }
        if current == nil { try preparation.renew() }
        var settings = site.settings
        settings.epochs = epochs ?? settings.epochs
        let model = ModelFolder(
            site.folders.modelFolder(
                dataset: site.dataset, trainer: settings.trainerName, plans: site.plansName,
                configuration: site.configuration))
        let training = try FoldTraining(
            datasetFolder: site.folders.preprocessed.appending(path: site.dataset), plansName: site.plansName,
            configuration: site.configuration, fold: site.fold, settings: settings, device: site.device, model: model,
            blockedFields: site.blockedFields)
        var run = try await training.makeRun(stop: StopRequest(), records: recordTraining, console: log)
        run.progress = progress
        let best = try training.checkpoints.load(.best)?.bestMovingAverage
        let current = Current(training: training, run: run, bestDice: best)
        self.current = current
        return current
    }

    /// The trainer where its last round left it, also after a restart.
    private func lastState() async throws -> Current {
        let current = try await ready(epochs: nil)
        if await current.run.trainer.epoch == 0 {
            self.current?.isFresh = false
            if try await states(current).restore(current.run.trainer, at: .max) {
                self.current?.local = try await current.run.trainer.weights
            }
        }
        return self.current ?? current
    }

    private var recordTraining: FoldTraining.RecordTraining? {
        privacy.map {
            var records = FoldTraining.RecordTraining(privacy: $0)
            records.patchesPerRecord = site.patchesPerRecord
            records.recordOfCase = site.recordOfCase
            return records
        }
    }

    private func states(_ current: Current) -> SiteStates {
        SiteStates(current.training.checkpoints, bounded: privacy != nil)
    }

    /// The number of training cases as the server is told it.
    private func examples(_ current: Current) throws -> Int {
        let cases = current.training.split.train.count
        // The site's policy sees only what is told.
        guard site.publicExamples == nil || cases >= site.smallestNumberOfCases else {
            throw NNUNetError.plan(
                "This site does not train: it has fewer than the \(site.smallestNumberOfCases) cases that its policy asks for."
            )
        }
        return site.publicExamples ?? cases
    }

    // MARK: Rounds

    public func train(_ task: TrainTask) async throws -> ModelUpdate {
        try await withoutCases {
            let current = try await state(before: task)
            let trainer = current.run.trainer
            let own = try await trainer.weights
            try requireOwn(task.model, own)
            let model = own.replacing(with: task.model)
            let examples = try examples(current)
            self.current?.isFresh = false
            try await trainer.begin(task, with: model)
            try await book(task, trainer)
            let records: [EpochRecord]
            do {
                records = try await trainer.run(epochs: task.localEpochs) { [progress] in
                    try Task.checkCancellation()
                    progress($0)
                }
            } catch {
                // What is half trained goes: the next round begins at the end of the one before.
                self.current = nil
                throw error
            }
            let snapshot = try await trainer.snapshot()
            try states(current).save(snapshot)
            self.current?.local = snapshot.weights
            for record in records { current.run.log.epochEnds(record, newBest: nil) }
            let leftOut = await trainer.recordsLeftOut
            if leftOut > 0 {
                current.run.log.write(
                    "WARNING: so far records took part \(leftOut) times without a finite gradient, and counted as zero. "
                        + "Look for NaN in the preprocessed data, or try a smaller learning rate.")
            }

            let names = Set(task.model.names)
            var sent = snapshot.weights.keeping { names.contains($0) }
            if task.content == .difference { sent = sent.minus(task.model) }
            let loss = records.map(\.trainingLoss).reduce(0, +) / Double(max(1, records.count))
            return ModelUpdate(
                task.content, sent, examples: examples,
                steps: task.localEpochs * current.training.settings.iterationsPerEpoch,
                metrics: site.sendsTrainingMetrics ?? (privacy == nil) ? ["loss": loss] : [:])
        }
    }

    /// Books a round's steps; without a privacy to bound them, nothing.
    private func book(_ task: TrainTask, _ trainer: LocalTrainer) async throws {
        do { try await trainer.book(epochs: task.localEpochs, round: task.round) } catch {
            current = nil
            if error is CancellationError || error is FederationError { throw error }
            log("\(error)")
            throw LearningError.notSupported(
                what: "training beyond the privacy that this site gives", remedy: "its log says how much that is")
        }
    }

    /// The trainer as the round before left it; of a site that has trained no round, a fresh one.
    private func state(before task: TrainTask) async throws -> Current {
        let current = try await ready(epochs: task.epochs)
        let states = states(current)
        if try await states.isAt(task.epochsBefore, current.run.trainer) { return current }
        if try await states.restore(current.run.trainer, at: task.epochsBefore) { return current }
        if await current.run.trainer.epoch == 0 { return current }
        self.current = nil
        return try await ready(epochs: task.epochs)
    }

    /// Judges a model by the online Dice and loss over the same validation patches every time.
    public func validate(_ task: ValidationTask) async throws -> ValidationResult {
        try await withoutCases {
            let current = try await lastState()
            let trainer = current.run.trainer
            let own = try await trainer.weights
            try requireOwn(task.model, own)
            if case .site(let owner) = task.owner, task.model.tensors.count < own.tensors.count {
                throw LearningError.notSupported(
                    what: "judging the model of \(owner) here",
                    remedy:
                        "it has \(task.model.tensors.count) tensors of the \(own.tensors.count) of this site's network")
            }
            let judged = own.replacing(with: task.model)
            try await trainer.setWeights(judged)
            let (loss, counts) = try await trainer.judge()
            if task.owner == .server, counts.meanDice > self.current?.bestDice ?? -1 {
                self.current?.bestDice = counts.meanDice
                var snapshot = try await trainer.snapshot()
                snapshot.bestMovingAverage = counts.meanDice
                try current.training.checkpoints.save(snapshot, as: .best)
            }
            try await trainer.setWeights(own)
            var metrics: Metrics = ["dice": counts.meanDice, "val_loss": loss]
            let names = EvaluationClass.names(of: current.training.dataset)
            for (name, dice) in zip(names, counts.dice) { metrics["dice/" + name] = dice }
            return ValidationResult(
                examples: site.publicExamples ?? current.training.split.validation.count, metrics: metrics)
        }
    }

    public func model() async throws -> Weights {
        try await withoutCases {
            let current = try await lastState()
            if let local = current.local { return local }
            return try await current.run.trainer.weights
        }
    }

    /// Composes the last shared tensors with the site's own and writes them as `checkpoint_final.pth` of a complete results
    /// folder.
    public func finish(_ model: Weights) async throws {
        try await withoutCases {
            let current = try await lastState()
            let trainer = current.run.trainer
            let own = try await trainer.weights
            try requireOwn(model, own)
            self.current?.isFresh = false
            try await trainer.setWeights(own.replacing(with: model))
            try current.training.checkpoints.save(await trainer.snapshot(), as: .final)
        }
    }

    private func requireOwn(_ model: Weights, _ own: Weights) throws {
        for tensor in model.tensors where own[tensor.name]?.description != tensor.description {
            throw LearningError.foreignCheckpoint(
                file: "the server's model",
                fact: "\(tensor.name) of shape \(tensor.shape) is not in this site's network")
        }
    }

    /// Errors leave the site: in full they are written to its log, and what reaches the server names no case and no path.
    private func withoutCases<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async throws -> Result {
        do { return try await body() } catch let error as CancellationError { throw error } catch {
            log("\(error)")
            throw FederationError.site(SiteFailure(error, at: site).reason)
        }
    }
}

extension LocalTrainer {
    /// Takes the weights that a round begins with, and what the round adds to the steps.
    func begin(_ task: TrainTask, with weights: Weights) throws {
        try perform { trainer in
            try trainer.setWeights(weights, from: "the server's model")
            trainer.moveOn(to: task.epochsBefore)
            var step = FederatedStep()
            step.frozen = Set(task.frozen)
            if task.proximalTerm > 0 {
                step.proximalTerm = task.proximalTerm
                for name in task.model.names {
                    step.reference[name] = try noGrad { try trainer.network.parameters[name]?.detached().clone() }
                }
            }
            trainer.federatedStep = step
        }
    }

    /// Loss and online Dice over the first epoch's validation patches.
    func judge() throws -> (loss: Double, counts: OverlapCounts) {
        try perform { try $0.validate(on: self.validation, batchesOf: 0) }
    }
}
