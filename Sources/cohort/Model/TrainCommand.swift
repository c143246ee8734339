import Federation
import ArgumentParser
import Dispatch
import Imaging
import Learning
import NNUNet
import Synchronization
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train one fold of one configuration, and validate it.",
        discussion: """
            EXAMPLES
              cohort train 4 3d_fullres 0
              cohort train 4 3d_fullres all --epochs 100 --precision bf16 --seed 1
              cohort train 4 2d 0 --c
            """)

    @Argument(help: "The dataset's number or name.") var dataset: String
    @Argument(help: "2d, 3d_fullres, 3d_lowres, …") var configuration: String
    @Argument(help: "A number, or all.") var fold: String
    @Option(
        name: .customLong("tr", withSingleDash: true), help: "nnU-Net's trainer; its simple variants are known by name."
    )
    var trainer = "nnUNetTrainer"
    @Option(name: .customShort("p"), help: "The plans.") var plans = "nnUNetPlans"
    @Option(
        name: .customLong("pretrained_weights", withSingleDash: true),
        help: "A checkpoint whose weights, but for the heads, begin the training.")
    var pretrainedWeights: String?
    @Option(name: .customLong("num_gpus", withSingleDash: true), help: "Only 1 works yet.") var gpus = 1
    @Flag(name: .customLong("npz"), help: "Save the probabilities of the validation, for ensembles.")
    var savesProbabilities = false
    @Flag(name: .customLong("c"), help: "Continue an interrupted training.") var continues = false
    @Flag(name: .customLong("val"), help: "Only validate, with checkpoint_final.pth.") var validates = false
    @Flag(name: .customLong("val_best"), help: "Validate with checkpoint_best.pth.") var validatesBest = false
    @Flag(name: .customLong("disable_checkpointing"), help: "Write no checkpoints.") var disableCheckpointing = false
    @Option(name: .customLong("device", withSingleDash: true), help: "cpu, cuda or cuda:N.") var device: String?

    @Option(help: "Epochs.") var epochs: Int?
    @Option(help: "Training steps per epoch.") var iterationsPerEpoch: Int?
    @Option(help: "Validation batches per epoch.") var valIterationsPerEpoch: Int?
    @Option(help: "Patches per step (default: the plan's).") var batchSize: Int?
    @Option(help: "The learning rate of the first epoch.") var initialLr: Double?
    @Option(help: "Weight decay.") var weightDecay: Double?
    @Option(help: "Share of patches centred on foreground.") var oversampleForeground: Double?
    @Option(help: "Epochs between two checkpoint_latest.pth.") var saveEvery: Int?
    @Option(help: "fp32, bf16 or fp16 (default: what the device does best).") var precision: String?
    @Option(help: "Threads of the network on a CPU (default: the cores).") var threads: Int?
    @Option(help: "Threads that make batches.") var loaderThreads: Int?
    @Option(help: "Fixes weights, patches and augmentation.") var seed: UInt64?
    @Flag(help: "Leave out the validation after the last epoch.") var skipFinalValidation = false
    @Option(help: ArgumentHelp("Write the seconds of every training step to this file (JSON).", visibility: .hidden))
    var stepTimes: String?

    func validate() throws {
        guard device != "mps" else { throw ValidationError("-device mps: Cohort runs on cpu and cuda.") }
        guard gpus == 1 else {
            throw ValidationError("-num_gpus \(gpus): training on several GPUs does not work yet. Leave it at 1.")
        }
        guard !(continues && pretrainedWeights != nil) else {
            throw ValidationError("--c continues with its own weights: -pretrained_weights does not go with it.")
        }
        guard !((validates || validatesBest) && disableCheckpointing) else {
            throw ValidationError("A validation needs a checkpoint: --disable_checkpointing does not go with it.")
        }
    }

    func run() async throws {
        let folders = DatasetFolders()
        let name = try folders.datasetName(dataset)
        let datasetFolder = folders.preprocessed.appending(path: name)
        let plansFile = datasetFolder.appending(path: plans + ".json")
        guard FileManager.default.fileExists(atPath: plansFile.path) else {
            throw NNUNetError.file(plansFile.path, reason: "is not there. Run cohort plan-and-preprocess first.")
        }
        let training = try FoldTraining(
            datasetFolder: datasetFolder, plansName: plans, configuration: configuration,
            fold: Fold(fold), settings: settings(), device: resolvedDevice(device),
            model: ModelFolder(
                folders.modelFolder(dataset: name, trainer: trainer, plans: plans, configuration: configuration)))
        if !validates {
            try await train(training)
            if disableCheckpointing || skipFinalValidation { return }
        }
        try await validate(training, folders: folders, dataset: name)
    }

    private func settings() throws -> TrainingSettings {
        var settings = try TrainingSettings(trainerName: trainer)
        settings.epochs = epochs ?? settings.epochs
        settings.iterationsPerEpoch = iterationsPerEpoch ?? settings.iterationsPerEpoch
        settings.validationIterationsPerEpoch = valIterationsPerEpoch ?? settings.validationIterationsPerEpoch
        settings.batchSize = batchSize
        settings.initialLearningRate = initialLr ?? settings.initialLearningRate
        settings.weightDecay = weightDecay ?? settings.weightDecay
        settings.oversampleForeground = oversampleForeground ?? settings.oversampleForeground
        settings.saveEvery = saveEvery ?? settings.saveEvery
        settings.disableCheckpointing = disableCheckpointing
        if let precision {
            guard let known = TrainingSettings.Precision(rawValue: precision) else {
                throw ValidationError("--precision \(precision) is unknown: fp32, bf16 or fp16.")
            }
            settings.precision = known
        }
        settings.threads = threads
        settings.loaderThreads = loaderThreads
        settings.seed = seed
        try settings.validate()
        return settings
    }

    private func train(_ training: FoldTraining) async throws {
        let stop = StopRequest()
        let interrupt = onInterrupt {
            StandardError.write("\nStopping; checkpoint_latest.pth keeps the last whole epoch. Continue with --c.\n")
            stop.request()
        }
        defer { interrupt.cancel() }
        var run = try await training.makeRun(stop: stop) { print($0) }
        if let pretrainedWeights {
            let file = pretrainedWeights
            let weights = try Weights(NNUNetCheckpoint(contentsOf: URL(filePath: file)), file: file)
            try await run.trainer.perform { try $0.loadPretrained(weights, from: file) }
        }
        if continues, let from = try await run.resume() { print("Continuing from \(from.rawValue).") }
        let times = StepTimes()
        let perEpoch = training.settings.iterationsPerEpoch
        let bars = EpochProgress(epochs: training.settings.epochs, iterations: perEpoch)
        run.progress = { progress in
            if progress.phase == .training { times.stepBegins() } else { times.trainingEnds() }
            bars.show(progress)
        }
        let folder = training.folder
        run.draw = { try TrainingFigure.write($0, to: folder.appending(path: "progress.png")) }
        try await run.run()
        if let stepTimes { try times.write(to: URL(filePath: stepTimes)) }
    }

    private func validate(_ training: FoldTraining, folders: DatasetFolders, dataset name: String) async throws {
        let progress = Progress("validation", count: training.split.validation.count)
        let done = CompletionCount()
        let output = try await training.validate(
            checkpoint: validatesBest ? .best : .final, savesProbabilities: savesProbabilities
        ) { _ in progress.show(done.next()) }
        let truth = folders.preprocessed.appending(path: name).appending(path: "gt_segmentations")
        let evaluator = Evaluator(
            classes: EvaluationClass.all(of: training.dataset), ignoreLabel: training.dataset.ignoreLabel)
        let summary = try evaluator.evaluate(
            references: truth, predictions: output, fileEnding: training.dataset.fileEnding,
            reader: training.plans.imageReaderWriter, allowsMissing: true)
        try summary.write(to: output.appending(path: "summary.json"))
        print("Mean Validation Dice: \(summary.foregroundMean("Dice"))")
    }
}

/// The seconds of every training step, for benchmarks.
final class StepTimes: Sendable {
    private struct State {
        var last: ContinuousClock.Instant?
        var seconds: [Double] = []
    }
    private let state = Mutex(State())

    func stepBegins() {
        let now = ContinuousClock.now
        state.withLock { state in
            if let last = state.last { state.seconds.append((now - last) / .seconds(1)) }
            state.last = now
        }
    }

    func trainingEnds() { state.withLock { $0.last = nil } }

    func write(to url: URL) throws {
        try JSONValue.array(state.withLock { $0.seconds.map(JSONValue.number) }).write(to: url, indent: nil)
    }
}

/// Runs `body` at Ctrl-C until the source that it returns is cancelled.
func onInterrupt(_ body: @escaping @Sendable () -> Void) -> any DispatchSourceSignal {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler(handler: body)
    source.resume()
    return source
}

/// A device by name; without one CUDA where libtorch sees it, else the CPU.
func resolvedDevice(_ name: String?) throws -> Device {
    guard let name else { return try Device.cudaCount() > 0 ? .cuda(0) : .cpu }
    let device = try Device(name)
    try device.checkAvailable()
    return device
}
