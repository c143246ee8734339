#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Imaging

extension Evaluator {
    /// Scores every prediction of a folder against the reference of the same name, cases in parallel.
    /// - Parameters:
    ///   - reader: how both folders' files are read.
    ///   - allowsMissing: `--chill`: references without a prediction are passed over instead of being an error.
    ///   - progress: called after each case with the number done, from any thread.
    /// - Throws: `NNUNetError` where files are missing, and whatever reading throws.
    public func evaluate(
        references: URL, predictions: URL, fileEnding: String, reader: ImageReaderWriter, allowsMissing: Bool = false,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> EvaluationSummary {
        let predicted = try Self.files(in: predictions, ending: fileEnding)
        let expected = try Self.files(in: references, ending: fileEnding)
        guard !predicted.isEmpty else {
            throw NNUNetError.file(predictions.path, reason: "it holds no prediction that ends in \(fileEnding)")
        }
        let missing = Set(expected).subtracting(predicted).sorted()
        guard allowsMissing || missing.isEmpty else {
            throw NNUNetError.file(
                predictions.path,
                reason: "\(missing.count) of \(expected.count) references have no prediction, such as "
                    + "\(missing[0]). Predict them, or pass --chill to score what is there")
        }
        let strangers = Set(predicted).subtracting(expected).sorted()
        guard strangers.isEmpty else {
            throw NNUNetError.file(
                references.path,
                reason: "\(strangers.count) predictions have no reference, such as \(strangers[0]). "
                    + "Move them out of the folder of predictions")
        }
        let results = CaseResults(count: predicted.count)
        let inner = max(1, threads / predicted.count)
        try concurrently(predicted.count, threads: threads) { index in
            let name = predicted[index]
            let reference = try reader.readSegmentation(references.appending(path: name))
            let prediction = try reader.readSegmentation(predictions.appending(path: name))
            let metrics = try metrics(
                reference: reference.voxels, prediction: prediction.voxels, spacing: reference.spacing, name: name,
                threads: inner)
            progress(results.set(index, metrics))
        }
        return EvaluationSummary(
            classes: classes,
            cases: zip(predicted, results.all).map {
                EvaluationSummary.Case(
                    reference: references.appending(path: $0).path, prediction: predictions.appending(path: $0).path,
                    metrics: $1)
            })
    }

    /// `evaluate_folder`: what is scored is read from a `dataset.json`.
    public static func evaluateFolder(
        references: URL, predictions: URL, dataset: DatasetDescription, surfaceTolerance: Double? = 1,
        allowsMissing: Bool = false, threads: Int = defaultThreads,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> EvaluationSummary {
        let ending = dataset.fileEnding
        let example = try example(in: references, ending: ending)
        let reader =
            try dataset.imageReaderWriterOverride.flatMap(ImageReaderWriter.init(rawValue:))
            ?? ImageReaderWriter.select(fileEnding: ending, example: example)
        let evaluator = Evaluator(
            classes: EvaluationClass.all(of: dataset), ignoreLabel: dataset.ignoreLabel,
            surfaceTolerance: surfaceTolerance, threads: threads)
        return try evaluator.evaluate(
            references: references, predictions: predictions, fileEnding: ending, reader: reader,
            allowsMissing: allowsMissing, progress: progress)
    }

    /// `evaluate_simple`: labels are given, and the files' ending is that of the first reference.
    public static func evaluateSimple(
        references: URL, predictions: URL, labels: [Int], ignoreLabel: Int? = nil, surfaceTolerance: Double? = 1,
        allowsMissing: Bool = false, threads: Int = defaultThreads,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> EvaluationSummary {
        let example = try example(in: references, ending: "")
        // nnU-Net takes ".gz" of ".nii.gz" and then tries its readers; the whole ending names the reader at once.
        let name = example.lastPathComponent
        let endings = [".nii.gz", ".nii", ".nrrd", ".mha", ".png", ".bmp", ".tiff", ".tif"]
        let ending = endings.first { name.lowercased().hasSuffix($0) } ?? "." + example.pathExtension
        let reader = try ImageReaderWriter.select(fileEnding: ending, example: example)
        let evaluator = Evaluator(
            classes: labels.map { EvaluationClass(label: $0) }, ignoreLabel: ignoreLabel,
            surfaceTolerance: surfaceTolerance, threads: threads)
        return try evaluator.evaluate(
            references: references, predictions: predictions, fileEnding: ending, reader: reader,
            allowsMissing: allowsMissing, progress: progress)
    }

    private static func example(in folder: URL, ending: String) throws -> URL {
        guard let first = try files(in: folder, ending: ending).first else {
            throw NNUNetError.file(folder.path, reason: "it holds no reference segmentation that ends in \(ending)")
        }
        return folder.appending(path: first)
    }

    /// Names of the folder's files of that ending, sorted; hidden ones are left out.
    private static func files(in folder: URL, ending: String) throws -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else {
            throw NNUNetError.file(folder.path, reason: "there is no such folder, or it cannot be read")
        }
        return names.filter { name in
            var isFolder = false
            return name.hasSuffix(ending) && !name.hasPrefix(".")
                && FileManager.default.fileExists(atPath: folder.appending(path: name).path, isDirectory: &isFolder)
                && !isFolder
        }.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
    }
}
