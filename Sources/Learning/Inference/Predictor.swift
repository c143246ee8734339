import Federation
import Imaging
import NNUNet
import Torch

/// Cases to predict: where they come from and where their predictions go. Both ends run beside the network, on other
/// threads, and are called once per case.
public protocol PredictionCases: Sendable {
    /// How many cases there are.
    var count: Int { get }
    /// Reads and preprocesses a case.
    func prepare(_ index: Int) throws -> PreprocessedCase
    /// Brings logits (head, axes of the plan…) to the image's own grid and writes them.
    func export(_ logits: Volume<Float>, of prepared: PreprocessedCase, index: Int) throws
}

/// A trained model, ready to predict: a network and the weights of its folds, which are averaged.
public struct PredictionModel: Sendable {
    public var architecture: NetworkArchitecture
    public var inputChannels: Int
    public var heads: SegmentationHeads
    public var patchSize: [Int]
    /// Axes that the training mirrored; nil for none.
    public var mirrorAxes: [Int]?
    /// One per fold.
    public var folds: [Weights]

    public init(
        architecture: NetworkArchitecture, inputChannels: Int, heads: SegmentationHeads, patchSize: [Int],
        mirrorAxes: [Int]?, folds: [Weights]
    ) {
        self.architecture = architecture
        self.inputChannels = inputChannels
        self.heads = heads
        self.patchSize = patchSize
        self.mirrorAxes = mirrorAxes
        self.folds = folds
    }
}

/// How a prediction is made.
public struct PredictionSettings: Sendable, Equatable {
    /// Largest distance between tiles as a share of the patch.
    public var stepSize = 0.5
    /// Test-time augmentation: averages over mirrored copies.
    public var mirroring = true
    /// nil for the device's default.
    public var precision: TrainingSettings.Precision?
    /// Threads of the network on a CPU; nil for all cores.
    public var threads: Int?
    /// Cases that may be in preparation beside the one in the network.
    public var casesPreparing = 2
    /// Cases that may be in export beside the one in the network.
    public var casesExporting = 2
    /// Sums tiles on the device while it has room; else in the computer's memory.
    public var sumsOnDevice = true

    public init() {}
}

/// Predicts case after case with one network on one thread, while others read, preprocess, resample and write.
public actor Predictor {
    private let thread: TorchThread
    private let inference: SlidingWindowInference
    /// More than one: set in turn for every case.
    private let folds: [Weights]
    private let settings: PredictionSettings
    private let inputChannels: Int

    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    public init(model: PredictionModel, settings: PredictionSettings = PredictionSettings(), device: Device = .cpu)
        async throws
    {
        let thread = TorchThread()
        inference = try await Birth(thread: thread).make {
            try device.checkAvailable()
            if let threads = settings.threads { try setThreads(threads) }
            let network = try UNet(
                model.architecture, inputChannels: model.inputChannels, outputChannels: model.heads.count, on: device)
            guard let first = model.folds.first else {
                throw LearningError.noCheckpoint(folder: "the model", wanted: "fold")
            }
            for (index, fold) in model.folds.enumerated().reversed() {
                // Every fold is tried once, so that a wrong one is found before the first case.
                try network.parameters.assign(index == 0 ? first : fold, from: "the checkpoint of fold \(index)")
            }
            return try SlidingWindowInference(
                network: network, patchSize: model.patchSize, mirrorAxes: settings.mirroring ? model.mirrorAxes : nil,
                stepSize: settings.stepSize, precision: settings.precision ?? .predictionDefault(on: device),
                sumsOnDevice: settings.sumsOnDevice, device: device)
        }
        self.thread = thread
        folds = model.folds.count > 1 ? model.folds : []
        self.settings = settings
        inputChannels = model.inputChannels
    }

    /// Logits of one preprocessed image, shape (head, axes of the plan…).
    public func logits(
        of image: Volume<Float>, didTile: @Sendable (Int, Int) throws -> Void = { _, _ in }
    ) throws -> Volume<Float> {
        guard image.shape.first == inputChannels else {
            throw LearningError.unreadable(
                file: "the image",
                fact: "it has \(image.shape.first ?? 0) channels, and the network takes \(inputChannels)")
        }
        return try inference.logits(of: image, averagedOver: folds, didTile: didTile)
    }

    private enum Event: Sendable {
        case prepared(Int, PreprocessedCase)
        case exported(Int)
    }

    /// Predicts all cases. The first error ends it; predictions that were written by then are whole.
    ///
    /// - Parameters:
    ///   - didTile: called with case, tiles done and tiles in all.
    ///   - didExport: called when a case is written.
    public func predict(
        _ cases: some PredictionCases, didTile: @escaping @Sendable (Int, Int, Int) throws -> Void = { _, _, _ in },
        didExport: @Sendable (Int) -> Void = { _ in }
    ) async throws {
        try await withThrowingTaskGroup(of: Event.self) { group in
            var next = 0
            var preparing = 0
            var exporting = 0
            func prepareMore() {
                // What waits for the network or the disk stays in memory: only so many at a time.
                while next < cases.count, preparing < max(1, settings.casesPreparing),
                    exporting <= max(1, settings.casesExporting)
                {
                    let index = next
                    group.addTask { .prepared(index, try cases.prepare(index)) }
                    next += 1
                    preparing += 1
                }
            }
            prepareMore()
            while let event = try await group.next() {
                switch event {
                case .prepared(let index, let prepared):
                    preparing -= 1
                    prepareMore()
                    let logits = try logits(of: prepared.data) { try didTile(index, $0, $1) }
                    try requireFinite(logits, index)
                    exporting += 1
                    group.addTask {
                        try cases.export(logits, of: prepared, index: index)
                        return .exported(index)
                    }
                case .exported(let index):
                    exporting -= 1
                    didExport(index)
                }
                prepareMore()
            }
        }
    }

    private func requireFinite(_ logits: Volume<Float>, _ index: Int) throws {
        // A sum is finite only where every term is; overflow of finite logits would be no less of a fault.
        let sum = logits.elements.reduce(Float(0)) { $0 + $1 * 0 }
        if !sum.isFinite { throw LearningError.predictionNotFinite(identifier: "case \(index + 1)") }
    }
}
