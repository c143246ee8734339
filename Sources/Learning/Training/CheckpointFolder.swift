import Federation
import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Checkpoints as files of nnU-Net's form in a fold's folder. What nnU-Net does not know, the seed, stands under a key that
/// it ignores.
public struct CheckpointFolder: CheckpointStore {
    public let folder: URL
    public let initArguments: NNUNetCheckpoint.InitArguments
    public let settings: TrainingSettings
    public let mirrorAxes: [Int]?

    public init(
        folder: URL, initArguments: NNUNetCheckpoint.InitArguments, settings: TrainingSettings, mirrorAxes: [Int]?
    ) {
        self.folder = folder
        self.initArguments = initArguments
        self.settings = settings
        self.mirrorAxes = mirrorAxes
    }

    public func save(_ snapshot: TrainingSnapshot, as name: CheckpointName) throws {
        try save(snapshot, toFile: name.rawValue)
    }

    /// Saves under a name that nnU-Net has none for.
    func save(_ snapshot: TrainingSnapshot, toFile name: String) throws {
        try checkpoint(of: snapshot).write(to: folder.appending(path: name))
    }

    public func load(_ name: CheckpointName) throws -> TrainingSnapshot? {
        try load(file: name.rawValue)
    }

    func load(file name: String) throws -> TrainingSnapshot? {
        let url = folder.appending(path: name)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        return try TrainingSnapshot(NNUNetCheckpoint(contentsOf: url), file: url.path)
    }

    public func remove(_ name: CheckpointName) throws {
        let url = folder.appending(path: name.rawValue)
        if FileManager.default.fileExists(atPath: url.path) { try FileManager.default.removeItem(at: url) }
    }

    private func checkpoint(of snapshot: TrainingSnapshot) -> NNUNetCheckpoint {
        let rate = settings.schedule.learningRate(
            epoch: max(0, snapshot.epoch - 1), of: settings.epochs, initial: settings.initialLearningRate)
        let count = snapshot.weights.tensors.count
        func buffers(_ key: String) -> [NumericArray?] {
            (0..<count).map { index in
                snapshot.optimizer[index]?[key].map { NumericArray($0.elements, shape: $0.shape) }
            }
        }
        var optimizer: OptimizerState
        if settings.optimizer == .sgd {
            optimizer = .sgd(
                learningRate: rate, initialLearningRate: settings.initialLearningRate, momentum: settings.momentum,
                nesterov: true, weightDecay: settings.weightDecay, momentumBuffers: buffers("momentum_buffer"))
        } else {
            let keys = Set(snapshot.optimizer.values.flatMap(\.keys))
            let fields: [(PickleValue, PickleValue)] = [
                (.string("lr"), .number(rate)), (.string("betas"), .tuple([.number(0.9), .number(0.999)])),
                (.string("eps"), .number(1e-8)), (.string("weight_decay"), .number(settings.weightDecay)),
                (.string("amsgrad"), .bool(settings.optimizer == .adamW)), (.string("maximize"), .bool(false)),
                (.string("foreach"), .none), (.string("capturable"), .bool(false)),
                (.string("differentiable"), .bool(false)), (.string("fused"), .none),
                (.string("decoupled_weight_decay"), .bool(settings.optimizer == .adamW)),
                (.string("initial_lr"), .number(settings.initialLearningRate)),
            ]
            optimizer = OptimizerState(
                groups: [.init(fields: PickleDictionary(fields), parameters: Array(0..<count))],
                buffers: Dictionary(uniqueKeysWithValues: keys.map { ($0, buffers($0)) }))
        }
        let scaler: PickleValue =
            snapshot.gradientScaler.map {
                .dictionary([
                    ("scale", .number($0.scale)), ("growth_factor", .number(2)), ("backoff_factor", .number(0.5)),
                    ("growth_interval", .integer(2000)), ("_growth_tracker", .integer($0.goodSteps)),
                ])
            } ?? .none
        return NNUNetCheckpoint(
            weights: snapshot.weights.tensors.map { tensor in
                NamedTensor(name: tensor.name, array: NumericArray(tensor.floats ?? [], shape: tensor.shape))
            },
            optimizer: optimizer, gradientScaler: scaler, log: snapshot.history.log,
            bestMovingAverageDice: snapshot.bestMovingAverage, currentEpoch: snapshot.epoch,
            initArguments: initArguments, trainerName: settings.trainerName, mirroringAxes: mirrorAxes,
            extra: PickleDictionary([
                (.string("cohort"), .dictionary([("seed", .string(String(snapshot.seed)))]))
            ]))
    }
}

private func volume(_ array: NumericArray, _ name: String, _ file: String) throws -> Volume<Float> {
    guard let elements: [Float] = array.elements() ?? array.doubles()?.map({ Float($0) }) else {
        throw LearningError.foreignCheckpoint(file: file, fact: "\(name) is not of real numbers")
    }
    return Volume(shape: array.shape, elements: elements)
}

extension TrainingSnapshot {
    init(_ checkpoint: NNUNetCheckpoint, file: String) throws {
        var optimizer: [Int: [String: Volume<Float>]] = [:]
        for (key, arrays) in checkpoint.optimizer?.buffers ?? [:] {
            for (index, array) in arrays.enumerated() {
                if let array { optimizer[index, default: [:]][key] = try volume(array, key, file) }
            }
        }
        let scaler = checkpoint.gradientScaler.asDictionary
        let seed = checkpoint.extra["cohort"]?.asDictionary?["seed"]?.asString.flatMap { UInt64($0) }
        self.init(
            weights: try Weights(checkpoint, file: file), optimizer: optimizer,
            gradientScaler: scaler?["scale"]?.asNumber.map { ($0, scaler?["_growth_tracker"]?.asInteger ?? 0) },
            history: TrainingHistory(checkpoint.log), bestMovingAverage: checkpoint.bestMovingAverageDice,
            epoch: checkpoint.currentEpoch, seed: seed ?? 0)
    }
}

extension TrainingHistory {
    var log: NNUNet.TrainingLog {
        var log = NNUNet.TrainingLog()
        log.meanForegroundDice = meanForegroundDice
        log.movingAverageDice = movingAverageDice
        log.dicePerClass = dicePerClass
        log.trainLosses = trainingLosses
        log.validationLosses = validationLosses
        log.learningRates = learningRates
        log.epochStarts = starts
        log.epochEnds = ends
        return log
    }

    init(_ log: NNUNet.TrainingLog) {
        self.init()
        meanForegroundDice = log.meanForegroundDice
        movingAverageDice = log.movingAverageDice
        dicePerClass = log.dicePerClass
        trainingLosses = log.trainLosses
        validationLosses = log.validationLosses
        learningRates = log.learningRates
        starts = log.epochStarts
        ends = log.epochEnds
    }
}
