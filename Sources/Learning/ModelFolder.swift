import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A folder `Trainer__Plans__configuration` of nnU-Net's results: what a model is, and a folder per trained fold.
public struct ModelFolder: Sendable, Equatable {
    public let url: URL

    public init(_ url: URL) { self.url = url }

    public func fold(_ fold: Fold) -> URL { url.appending(path: fold.folderName) }
    public func checkpoint(_ fold: Fold, named name: String) -> URL { self.fold(fold).appending(path: name) }
    public var plans: Plans { get throws { try Plans(contentsOf: url.appending(path: "plans.json")) } }
    public var dataset: DatasetDescription {
        get throws { try DatasetDescription(contentsOf: url.appending(path: "dataset.json")) }
    }

    /// The numbered folds that have the checkpoint, in order; `fold_all` only where it is asked for by name.
    public func folds(withCheckpoint name: String) throws -> [Fold] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        let numbers = entries.compactMap { $0.hasPrefix("fold_") ? Int($0.dropFirst(5)) : nil }.sorted()
        let found = numbers.map(Fold.number).filter {
            FileManager.default.fileExists(atPath: checkpoint($0, named: name).path)
        }
        guard !found.isEmpty else { throw LearningError.noCheckpoint(folder: url.path, wanted: "fold with \(name)") }
        return found
    }

    /// Makes the fold's folder and writes what a prediction needs beside its checkpoints. `fingerprint` is copied where
    /// it is there.
    public func prepare(_ fold: Fold, plans: Plans, dataset: DatasetDescription, fingerprint: URL?) throws {
        try FileManager.default.createDirectory(at: self.fold(fold), withIntermediateDirectories: true)
        try plans.write(to: url.appending(path: "plans.json"))
        try JSONValue.object(dataset.json).write(to: url.appending(path: "dataset.json"))
        if let fingerprint, let data = try? Data(contentsOf: fingerprint) {
            try data.write(to: url.appending(path: "dataset_fingerprint.json"), options: .atomic)
        }
    }

    /// Writes `debug.json`: everything that a question about a training asks for first.
    public func writeDebugInformation(
        _ fold: Fold, configuration: PlansConfiguration, settings: TrainingSettings, heads: SegmentationHeads,
        mirrorAxes: [Int]?, precision: TrainingSettings.Precision, device: String, seed: UInt64, libtorch: String
    ) throws {
        let facts: [(String, String)] = [
            ("batch_size", "\(settings.batchSize ?? configuration.batchSize)"),
            ("configuration_name", configuration.name), ("device", device),
            ("disable_checkpointing", settings.disableCheckpointing ? "True" : "False"),
            ("enable_deep_supervision", settings.deepSupervision ? "True" : "False"), ("fold", "\(fold)"),
            ("heads", "\(heads.count)\(heads.areRegions ? " regions" : " labels")"),
            ("inference_allowed_mirroring_axes", mirrorAxes.map { "\($0)" } ?? "None"),
            ("initial_lr", "\(settings.initialLearningRate)"), ("loss", settings.loss.rawValue),
            ("lr_scheduler", "\(settings.schedule)"), ("network", configuration.architecture.kind.rawValue),
            ("num_epochs", "\(settings.epochs)"), ("num_iterations_per_epoch", "\(settings.iterationsPerEpoch)"),
            ("num_val_iterations_per_epoch", "\(settings.validationIterationsPerEpoch)"),
            ("optimizer", settings.optimizer.rawValue), ("output_folder", self.fold(fold).path),
            ("oversample_foreground_percent", "\(settings.oversampleForeground)"),
            ("patch_size", "\(configuration.patchSize)"), ("precision", precision.rawValue),
            ("probabilistic_oversampling", settings.probabilisticOversampling ? "True" : "False"),
            ("save_every", "\(settings.saveEvery)"), ("seed", "\(seed)"), ("torch_version", libtorch),
            ("trainer_name", settings.trainerName), ("weight_decay", "\(settings.weightDecay)"),
        ]
        try JSONValue.object(JSONObject(facts.map { ($0.0, .string($0.1)) }))
            .write(to: self.fold(fold).appending(path: "debug.json"))
    }
}

extension SegmentationHeads {
    public init(_ labels: LabelManager) {
        self.init(
            count: labels.headCount, areRegions: labels.hasRegions, ignoreLabel: labels.ignoreLabel,
            unannotated: labels.unannotatedHeads)
    }
}
