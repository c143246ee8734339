import Federation
import Imaging
import NNUNet
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One fold of one configuration of a dataset: from preprocessed cases to a trained and validated model.
public struct FoldTraining: Sendable {
    public let dataset: DatasetDescription
    public let plans: Plans
    public let configuration: PlansConfiguration
    public let fold: Fold
    public let settings: TrainingSettings
    public let device: Device
    public let model: ModelFolder
    public let preprocessed: PreprocessedFolder
    /// The dataset's folder among the preprocessed ones.
    public let datasetFolder: URL
    public let split: Split
    public let seed: UInt64

    /// - Parameters:
    ///   - model: where the trained model goes.
    ///   - blockedFields: of `dataset.json`, which neither training nor checkpoints see.
    public init(
        datasetFolder: URL, plansName: String, configuration name: String, fold: Fold, settings: TrainingSettings,
        device: Device, model: ModelFolder, blockedFields: BlockedFields = BlockedFields()
    ) throws {
        self.datasetFolder = datasetFolder
        plans = try Plans(contentsOf: datasetFolder.appending(path: plansName + ".json"))
        configuration = try plans.configuration(name)
        guard configuration.previousStage == nil else {
            throw NNUNetError.plan("\(name) continues \(configuration.previousStage!): cascades cannot be trained yet.")
        }
        dataset = try DatasetDescription(
            contentsOf: datasetFolder.appending(path: "dataset.json"), without: blockedFields)
        preprocessed = try PreprocessedFolder(datasetFolder.appending(path: configuration.dataIdentifier))
        self.fold = fold
        self.settings = settings
        self.device = device
        self.model = model
        seed = settings.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        let splitsFile = datasetFolder.appending(path: "splits_final.json")
        if fold == .all {
            split = Split(train: preprocessed.identifiers, validation: preprocessed.identifiers)
        } else {
            if !FileManager.default.fileExists(atPath: splitsFile.path) {
                try Splits(fiveFoldsOf: preprocessed.identifiers).write(to: splitsFile)
            }
            split = try Splits(contentsOf: splitsFile).split(fold, of: preprocessed.identifiers)
        }
        let known = Set(preprocessed.identifiers)
        let missing = (split.train + split.validation).filter { !known.contains($0) }
        guard missing.isEmpty, !split.train.isEmpty else {
            throw NNUNetError.file(
                splitsFile.path,
                reason: missing.isEmpty
                    ? "fold \(fold) has no training cases"
                    : "\(missing.count) of its cases are not preprocessed, \(missing[0]) for one. Preprocess again, or delete it."
            )
        }
    }

    public var folder: URL { model.fold(fold) }
    public var heads: SegmentationHeads { SegmentationHeads(LabelManager(dataset)) }
    public var mirrorAxes: [Int]? { settings.mirroring.axes(dimensions: configuration.patchSize.count) }
    public var precision: TrainingSettings.Precision { settings.precision ?? .trainingDefault(on: device) }

    // MARK: Training

    /// How a fold is trained on records, by DP-SGD.
    public struct RecordTraining: Sendable {
        public var privacy: any GradientPrivacy
        /// Patches that a record gives to a step that it takes part in.
        public var patchesPerRecord = 1
        /// The patient of every training case; empty where each case is a record.
        public var recordOfCase: [String: String] = [:]

        public init(privacy: any GradientPrivacy) { self.privacy = privacy }
    }

    /// Everything that a run needs, made ready: the trainer, its batches, its log and its checkpoints.
    ///
    /// - Parameter records: nil for nnU-Net's training on batches.
    public func makeRun(
        stop: StopRequest, records: RecordTraining? = nil, console: @escaping @Sendable (String) -> Void
    ) async throws -> TrainingRun {
        let trainer = try await LocalTrainer(
            architecture: configuration.architecture, inputChannels: dataset.channelNames.count, heads: heads,
            batchDice: configuration.batchDice, settings: settings, device: device, seed: seed,
            training: records.map { try .records(loader(of: $0), $0.privacy) }
                ?? .batches(batches(split.train, training: true)),
            validation: batches(split.validation, training: false))
        try model.prepare(
            fold, plans: plans, dataset: dataset, fingerprint: datasetFolder.appending(path: "dataset_fingerprint.json")
        )
        try model.writeDebugInformation(
            fold, configuration: configuration, settings: settings, heads: heads, mirrorAxes: mirrorAxes,
            precision: precision,
            device: device.description, seed: seed, libtorch: libtorchVersion())
        let log = TrainingLogFile(folder: folder, console: console)
        log.write("This split has \(split.train.count) training and \(split.validation.count) validation cases.")
        log.write("Seed \(seed), precision \(precision.rawValue), device \(device), libtorch \(try libtorchVersion()).")
        return TrainingRun(trainer: trainer, settings: settings, checkpoints: checkpoints, log: log, stop: stop)
    }

    public var checkpoints: CheckpointFolder {
        CheckpointFolder(
            folder: folder,
            initArguments: .init(
                plans: plans.json, configuration: configuration.name, fold: fold.description, datasetJSON: dataset.json,
                device: device.isCUDA ? "cuda" : "cpu"), settings: settings, mirrorAxes: mirrorAxes)
    }

    private func batches(_ identifiers: [String], training: Bool) throws -> BatchLoader {
        try BatchLoader(
            sources: CaseCache(preprocessed, identifiers: identifiers).sources(),
            sampler: sampler(size: settings.batchSize ?? configuration.batchSize, augmentation(training)),
            pipeline: pipeline(augmentation(training), training: training), seed: seed,
            purpose: training ? .training : .validation, threads: training ? loaderThreads : 1)
    }

    private func loader(of records: RecordTraining) throws -> RecordLoader {
        guard records.patchesPerRecord > 0 else {
            throw LearningError.invalidSetting(
                name: "the patches per record", value: "\(records.patchesPerRecord)", rule: "at least one is needed")
        }
        return try RecordLoader(
            sources: CaseCache(preprocessed, identifiers: split.train).sources(),
            groups: RecordGroups(cases: split.train, recordOfCase: records.recordOfCase),
            sampler: sampler(size: records.patchesPerRecord, augmentation(true)),
            pipeline: pipeline(augmentation(true), training: true), seed: seed, threads: loaderThreads)
    }

    private var loaderThreads: Int { settings.loaderThreads ?? (device.isCUDA ? max(2, defaultThreads - 2) : 1) }

    private func augmentation(_ training: Bool) -> AugmentationSettings {
        let patch = configuration.patchSize
        guard training, settings.augmentation == .standard else {
            var augmentation = AugmentationSettings.none(patchSize: patch)
            augmentation.mirrorAxes = []
            return augmentation
        }
        var augmentation = AugmentationSettings.nnUNetDefault(
            patchSize: patch, allowsPlanar: settings.allowsPlanarAugmentation)
        if settings.nearestLabelSampling { augmentation.labelInterpolation = .nearest }
        augmentation.mirrorAxes = mirrorAxes ?? []
        return augmentation
    }

    private func sampler(size: Int, _ augmentation: AugmentationSettings) -> PatchSampler {
        let labels = LabelManager(dataset)
        return PatchSampler(
            batchSize: size, patchSize: configuration.patchSize, initialPatchSize: augmentation.initialPatchSize,
            oversampleForeground: settings.oversampleForeground, isProbabilistic: settings.probabilisticOversampling,
            annotatedLabels: [-1] + labels.allLabels, hasIgnoreLabel: labels.ignoreLabel != nil)
    }

    private func pipeline(_ augmentation: AugmentationSettings, training: Bool) -> AugmentationPipeline {
        let labels = LabelManager(dataset)
        let strides = configuration.architecture.strides
        let supervision =
            settings.deepSupervision ? DeepSupervision(strides: strides) : DeepSupervision(withoutFor: strides)
        return AugmentationPipeline(
            settings: augmentation,
            targets: TargetLayout(
                patchSize: configuration.patchSize, scales: Array(supervision.scales.prefix(supervision.outputs)),
                regions: labels.hasRegions ? labels.foregroundRegions : [], ignoreLabel: labels.ignoreLabel),
            maskedChannels: training
                ? configuration.useMaskForNorm.indices.filter { configuration.useMaskForNorm[$0] } : [])
    }

    // MARK: Validation

    /// Predicts the validation cases with a checkpoint of this fold and writes them to `validation/`.
    public func validate(
        checkpoint: CheckpointName, savesProbabilities: Bool, didExport: @Sendable (Int) -> Void = { _ in }
    ) async throws -> URL {
        let output = folder.appending(path: "validation")
        try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
        let model = try PredictionModel(
            model, configuration: configuration, dataset: dataset, folds: [fold], checkpoint: checkpoint.rawValue)
        var prediction = PredictionSettings()
        prediction.threads = settings.threads
        prediction.precision = settings.precision
        let predictor = try await Predictor(model: model, settings: prediction, device: device)
        let export = LogitExport(plans: plans, configuration: configuration, labels: LabelManager(dataset))
        try await predictor.predict(
            PreprocessedFolderCases(
                preprocessed, identifiers: split.validation, export: export, fileEnding: dataset.fileEnding,
                output: output,
                savesProbabilities: savesProbabilities), didExport: didExport)
        return output
    }
}
