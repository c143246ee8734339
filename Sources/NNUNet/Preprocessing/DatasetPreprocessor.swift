import Imaging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Preprocesses a whole dataset for one configuration.
public struct DatasetPreprocessor: Sendable {
    public let dataset: RawDataset
    public let preprocessor: Preprocessor
    /// The dataset's folder among the preprocessed ones.
    public let folder: URL
    public let form: PreprocessedFolder.Form

    public init(
        _ dataset: RawDataset, plans: Plans, configuration: PlansConfiguration, folder: URL,
        form: PreprocessedFolder.Form = .blosc2
    ) throws {
        self.dataset = dataset
        self.folder = folder
        self.form = form
        preprocessor = try Preprocessor(plans: plans, configuration: configuration, dataset: dataset.description)
    }

    /// Where the cases go.
    public var output: URL { folder.appending(path: preprocessor.configuration.dataIdentifier) }

    /// Preprocesses every case into a new folder; an older one of the same name gives way when all are there.
    ///
    /// - Parameters:
    ///   - threads: cases at a time, each on one thread.
    ///   - progress: called with the number of finished cases and the last of them, from any thread.
    public func run(threads: Int = defaultThreads, progress: @Sendable (Int, CaseReport) -> Void = { _, _ in }) throws {
        let files = FileManager.default
        // Under another name until every case is there: no later stage takes a part for the whole.
        let partial = folder.appending(path: ".\(preprocessor.configuration.dataIdentifier).part")
        try? files.removeItem(at: partial)
        do {
            try files.createDirectory(at: partial, withIntermediateDirectories: true)
        } catch {
            throw NNUNetError.file(
                folder.path, reason: "cannot be written to. Is the disk full, or the folder read-only?")
        }
        do {
            let done = CompletionCount()
            try concurrently(dataset.cases.count, threads: threads) { index in
                let raw = dataset.cases[index]
                let result = try preprocessor.preprocess(raw)
                do {
                    let patch = preprocessor.configuration.patchSize
                    try PreprocessedFolder.write(result, raw.identifier, form: form, patch: patch, in: partial)
                } catch {
                    throw NNUNetError.badCase(
                        raw.identifier, reason: "its preprocessed files cannot be written. \(error)")
                }
                let facts = result.properties
                progress(
                    done.next(),
                    CaseReport(
                        identifier: raw.identifier,
                        shapes: [
                            facts.shapeBeforeCropping, facts.shapeAfterCroppingBeforeResampling,
                            Array(result.data.shape.dropFirst()),
                        ]))
            }
            try? files.removeItem(at: output)
            try files.moveItem(at: partial, to: output)
        } catch {
            try? files.removeItem(at: partial)
            throw error
        }
        try copyGroundTruth()
    }

    /// nnU-Net evaluates against copies of the labels beside the preprocessed cases.
    private func copyGroundTruth() throws {
        let target = folder.appending(path: "gt_segmentations")
        let files = FileManager.default
        do {
            try files.createDirectory(at: target, withIntermediateDirectories: true)
            for raw in dataset.cases {
                guard let label = raw.label else { continue }
                let copy = target.appending(path: raw.identifier + dataset.description.fileEnding)
                let bytes = try Data(contentsOf: label)
                if let present = try? Data(contentsOf: copy), present == bytes { continue }
                try bytes.write(to: copy, options: .atomic)
            }
        } catch {
            throw NNUNetError.file(
                target.path, reason: "the labels cannot be copied there. Is the disk full, or a label missing?")
        }
    }
}
