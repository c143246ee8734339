import Federation
import Imaging
import NNUNet
import Torch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The training loop: nothing but epochs of steps and of online validation, over batches that come from elsewhere.
///
/// Holds tensors, so it belongs to one thread (``LocalTrainer`` gives it one). Files, logs and cases are not its business.
public final class Trainer {
    public let settings: TrainingSettings
    public let heads: SegmentationHeads
    public let device: Device
    public let precision: TrainingSettings.Precision
    public let seed: UInt64
    public let network: UNet
    public private(set) var history = TrainingHistory()
    /// The best moving average of the online Dice so far.
    public private(set) var bestMovingAverage: Double?
    /// Finished epochs; the next one's number.
    public private(set) var epoch = 0

    /// What a federation adds to a round's steps.
    public var federatedStep = FederatedStep()

    /// Steps of DP-SGD that were booked and not made yet; see ``LocalTrainer/book(epochs:round:)``.
    var bookedSteps = 0
    /// How often a record took part whose gradient was not finite, and which therefore counted as zero.
    var recordsLeftOut = 0

    let optimizer: any Optimizer
    private var scaler: GradientScaler?
    private let loss: SegmentationLoss
    let supervision: DeepSupervision
    private let autocastType: DType?

    /// A trainer with fresh weights, which follow from the seed.
    ///
    /// - Parameter batchDice: whether the Dice loss sums over the batch before it divides, as the plan says.
    public init(
        architecture: NetworkArchitecture, inputChannels: Int, heads: SegmentationHeads, batchDice: Bool,
        settings: TrainingSettings, device: Device = .cpu, seed: UInt64
    ) throws {
        try settings.validate()
        self.settings = settings
        self.heads = heads
        self.device = device
        self.seed = seed
        precision = settings.precision ?? .trainingDefault(on: device)
        autocastType = try precision.autocastType(on: device)
        try device.checkAvailable()
        if let threads = settings.threads { try setThreads(threads) }
        network = try UNet(
            architecture, inputChannels: inputChannels, outputChannels: heads.count, on: device, seed: seed)
        let parameters = network.parameters.parameters
        switch settings.optimizer {
        case .sgd:
            optimizer = SGD(
                parameters, learningRate: settings.initialLearningRate, momentum: settings.momentum,
                weightDecay: settings.weightDecay, nesterov: true)
        case .adam, .adamW:
            let decoupled = settings.optimizer == .adamW
            optimizer = Adam(
                parameters, learningRate: settings.initialLearningRate, weightDecay: settings.weightDecay,
                decoupled: decoupled, amsgrad: decoupled)
        }
        scaler = precision == .float16 ? GradientScaler() : nil
        loss = try settings.loss.loss(
            smoothing: settings.diceSmoothing, batchDice: batchDice, heads: heads)
        let strides = architecture.strides
        supervision =
            settings.deepSupervision ? DeepSupervision(strides: strides) : DeepSupervision(withoutFor: strides)
    }

    /// Runs whole epochs from where the training stands.
    ///
    /// - Parameters:
    ///   - epochs: how many; never beyond the settings' last.
    ///   - willStep: called before every step and validation batch; what it throws ends the epoch without a record.
    ///   - didFinish: called after every epoch with its record.
    public func run(
        epochs: Int, training: TrainingSource, validation: some BatchSource,
        willStep: (TrainingProgress) throws -> Void = { _ in },
        didFinish: (EpochRecord, _ isBest: Bool) throws -> Void = { _, _ in }
    ) throws {
        for _ in 0..<epochsToRun(of: epochs) {
            let start = secondsSince1970()
            let learningRate = settings.schedule.learningRate(
                epoch: epoch, of: settings.epochs, initial: settings.initialLearningRate)
            optimizer.learningRate = learningRate
            let trainingLoss =
                switch training {
                case .batches(let source): try train(on: source, willStep)
                case .records(let source, let privacy): try train(on: source, privacy: privacy, willStep)
                }
            let (validationLoss, counts) =
                settings.validatesEveryEpoch
                ? try validate(on: validation, willStep) : (.nan, OverlapCounts(classes: OverlapCounts.classes(heads)))
            let record = EpochRecord(
                epoch: epoch, trainingLoss: trainingLoss, validationLoss: validationLoss, dice: counts.dice,
                meanDice: counts.meanDice, learningRate: learningRate, start: start, end: secondsSince1970())
            history.append(record)
            epoch += 1
            let average = history.movingAverageDice[history.movingAverageDice.count - 1]
            let isBest = bestMovingAverage.map { average > $0 } ?? true
            if isBest { bestMovingAverage = average.isNaN ? nil : average }
            try didFinish(record, isBest)
        }
    }

    /// How many of so many epochs are left before the settings' last.
    func epochsToRun(of epochs: Int) -> Int { max(0, min(epochs, settings.epochs - epoch)) }

    private func train(on source: some BatchSource, _ willStep: (TrainingProgress) throws -> Void) throws -> Double {
        var losses: [Tensor] = []
        let count = settings.iterationsPerEpoch
        for iteration in 0..<count {
            try willStep(TrainingProgress(epoch: epoch, phase: .training, done: iteration, count: count))
            losses.append(try step(source.batch(epoch * count + iteration), iteration: iteration))
        }
        return try mean(losses)
    }

    /// One step along the gradient of one batch. Returns its loss.
    @discardableResult
    package func step(_ batch: TrainingBatch, iteration: Int = 0) throws -> Tensor {
        let parameters = network.parameters.parameters
        for parameter in parameters { parameter.clearGradient() }
        let value = try loss(of: batch).loss
        // On CUDA the host does not wait for each loss; a scaler leaves out steps that are not finite.
        if !device.isCUDA { try requireFinite(value, iteration: iteration) }
        if let scaler {
            try scaler.scaled(value).backward()
            let finite = try scaler.unscale(parameters)
            if finite {
                try federatedStep.adjust(network.parameters)
                try clipGradientNorm(parameters, to: settings.gradientNormLimit)
                try optimizer.step()
            }
            scaler.update(finite: finite)
        } else {
            try value.backward()
            try federatedStep.adjust(network.parameters)
            try clipGradientNorm(parameters, to: settings.gradientNormLimit)
            try optimizer.step()
        }
        return try value.detached()
    }

    private func validate(
        on source: some BatchSource, _ willStep: (TrainingProgress) throws -> Void
    ) throws -> (loss: Double, counts: OverlapCounts) {
        try validate(on: source, batchesOf: epoch, willStep)
    }

    /// The loss and the online Dice of the weights as they are, over the validation batches of one epoch.
    public func validate(
        on source: some BatchSource, batchesOf epoch: Int,
        _ willStep: (TrainingProgress) throws -> Void = { _ in }
    ) throws -> (loss: Double, counts: OverlapCounts) {
        var losses: [Tensor] = []
        var counts = OverlapCounts(classes: OverlapCounts.classes(heads))
        let count = settings.validationIterationsPerEpoch
        for iteration in 0..<count {
            try willStep(TrainingProgress(epoch: epoch, phase: .validation, done: iteration, count: count))
            try noGrad {
                let (value, logits, target) = try loss(of: source.batch(epoch * count + iteration))
                losses.append(value)
                try counts.add(logits, target, heads: heads)
            }
        }
        return (losses.isEmpty ? .nan : try mean(losses), counts)
    }

    package func loss(of batch: TrainingBatch) throws -> (loss: Tensor, logits: Tensor, target: Tensor) {
        guard batch.targets.count >= supervision.outputs, let first = batch.targets.first else {
            throw LearningError.invalidSetting(
                name: "the batch's targets", value: "\(batch.targets.count)",
                rule: "deep supervision needs \(supervision.outputs)")
        }
        let data = try Tensor(batch.data, on: device)
        let targets = try batch.targets.prefix(supervision.outputs).map {
            try Tensor($0.elements, shape: $0.shape, on: device)
        }
        let logits = try autocast(autocastType, on: device) { try network(data, outputs: supervision.outputs) }
        let value = try supervision(loss, logits, targets)
        return (value, logits[0], try targets.first ?? Tensor(first.elements, shape: first.shape, on: device))
    }

    private func mean(_ losses: [Tensor]) throws -> Double {
        let values = try Tensor.stacked(losses, dim: 0).array(Float.self)
        guard let bad = values.firstIndex(where: { !$0.isFinite }), scaler == nil else {
            let finite = values.filter(\.isFinite)
            return finite.isEmpty ? .nan : finite.reduce(0) { $0 + Double($1) } / Double(finite.count)
        }
        throw notFinite(values[bad], iteration: bad)
    }

    private func requireFinite(_ loss: Tensor, iteration: Int) throws {
        let value = try loss.array(Float.self)[0]
        if !value.isFinite { throw notFinite(value, iteration: iteration) }
    }

    private func notFinite(_ value: Float, iteration: Int) -> LearningError {
        .lossNotFinite(loss: "\(value)", epoch: epoch, iteration: iteration, precision: precision.rawValue)
    }

    // MARK: Values in and out

    /// All that is needed to go on exactly from here.
    public func snapshot() throws -> TrainingSnapshot {
        TrainingSnapshot(
            weights: try network.parameters.weights(),
            optimizer: try optimizer.state().mapValues { try $0.mapValues { try $0.volume() } },
            gradientScaler: scaler.map { ($0.scale, $0.growthTracker) }, history: history,
            bestMovingAverage: bestMovingAverage, epoch: epoch, seed: seed)
    }

    /// Goes back to a snapshot; the trainer must have been made with its seed for the same batches to follow.
    public func restore(_ snapshot: TrainingSnapshot, from file: String = "the checkpoint") throws {
        try network.parameters.assign(snapshot.weights, from: file)
        let shapes = network.parameters.parameters.map(\.shape)
        for (index, buffers) in snapshot.optimizer {
            guard shapes.indices.contains(index),
                buffers["step"] != nil || buffers.values.allSatisfy({ $0.shape == shapes[index] })
            else {
                throw LearningError.foreignCheckpoint(file: file, fact: "its optimizer's state is of another network")
            }
        }
        try optimizer.restore(
            snapshot.optimizer.mapValues { try $0.mapValues { try Tensor($0, on: device) } })
        if scaler != nil, let state = snapshot.gradientScaler {
            scaler = GradientScaler(scale: state.scale, goodSteps: state.goodSteps)
        }
        history = snapshot.history
        bestMovingAverage = snapshot.bestMovingAverage
        epoch = snapshot.epoch
    }

    /// Replaces the weights and nothing else: momentum and history stay, as a site's do in a federation.
    public func setWeights(_ weights: Weights, from file: String = "the weights") throws {
        try network.parameters.assign(weights, from: file)
    }

    /// Goes on with a later epoch: those between were trained at other sites.
    func moveOn(to epoch: Int) { self.epoch = max(self.epoch, epoch) }

    /// Starts from another training's weights: all but the segmentation heads must be there, with equal shapes, and the
    /// heads keep their fresh values.
    public func loadPretrained(_ weights: Weights, from file: String) throws {
        try network.parameters.assign(weights, from: file) { $0.contains(".seg_layers.") }
    }
}

/// Where within an epoch a training stands.
public struct TrainingProgress: Sendable, Equatable {
    public enum Phase: Sendable { case training, validation }
    public var epoch: Int
    public var phase: Phase
    /// Batches done of this phase.
    public var done: Int
    /// Batches of this phase.
    public var count: Int
}

extension TrainingSettings.LossKind {
    func loss(smoothing: Double, batchDice: Bool, heads: SegmentationHeads) throws -> SegmentationLoss {
        let entropy: SegmentationLoss.Entropy =
            switch self {
            case .dice: .none
            case .diceAndCrossEntropy, .crossEntropy: .crossEntropy()
            case .topK, .diceAndTopK: .topK(share: 0.1)
            case .topKSmoothed: .topK(share: 0.1, labelSmoothing: 0.1)
            }
        if heads.areRegions, ![.dice, .diceAndCrossEntropy].contains(self) {
            throw LearningError.notSupported(
                what: "the loss \(rawValue) with regions, which overlap,",
                remedy: "use the default trainer's loss, or labels instead of regions")
        }
        guard heads.unannotated.count < OverlapCounts.classes(heads) || heads.unannotated.isEmpty else {
            throw LearningError.notSupported(
                what: "training on a dataset that has annotated no label of its table",
                remedy: "leave it out, or correct unannotated_labels in its dataset.json")
        }
        return SegmentationLoss(
            dice: [.dice, .diceAndCrossEntropy, .diceAndTopK].contains(self), diceSmoothing: smoothing,
            entropy: entropy,
            batchDice: batchDice, regions: heads.areRegions, ignoreLabel: heads.ignoreLabel,
            unannotated: heads.unannotated)
    }
}

extension TrainingSettings {
    /// Throws where a value makes no sense.
    public func validate() throws {
        func require(_ condition: Bool, _ name: String, _ value: Any, _ rule: String) throws {
            guard condition else { throw LearningError.invalidSetting(name: name, value: "\(value)", rule: rule) }
        }
        try require(epochs > 0, "--epochs", epochs, "at least one is needed")
        try require(iterationsPerEpoch > 0, "--iterations-per-epoch", iterationsPerEpoch, "at least one is needed")
        try require(
            validationIterationsPerEpoch >= 0, "--val-iterations-per-epoch", validationIterationsPerEpoch,
            "it cannot be negative")
        try require(batchSize ?? 1 > 0, "--batch-size", batchSize ?? 1, "at least one is needed")
        try require(
            initialLearningRate > 0 && initialLearningRate.isFinite, "--initial-lr", initialLearningRate,
            "it must be positive")
        try require(
            (0...1).contains(oversampleForeground), "the oversampling", oversampleForeground, "it is a share, 0 to 1")
        try require(weightDecay >= 0, "the weight decay", weightDecay, "it cannot be negative")
        try require(threads ?? 1 > 0, "--threads", threads ?? 1, "at least one is needed")
    }
}

/// The wall clock, in seconds since 1970.
func secondsSince1970() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
