import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Raw images to predict, and the folder that their segmentations go to.
public struct ImageFolderCases: PredictionCases {
    public let cases: [RawCase]
    let preprocessor: Preprocessor
    let export: LogitExport
    let output: URL
    let savesProbabilities: Bool

    /// - Parameters:
    ///   - skipsExisting: leaves out cases whose segmentation (and probabilities, where asked for) is there.
    ///   - part: every `count`-th case from `index` on, to share the work among machines.
    public init(
        input: URL, output: URL, plans: Plans, configuration: PlansConfiguration, dataset: DatasetDescription,
        savesProbabilities: Bool = false, skipsExisting: Bool = false, part: (index: Int, count: Int) = (0, 1)
    ) throws {
        guard part.count >= 1, (0..<part.count).contains(part.index) else {
            throw NNUNetError.plan("Part \(part.index) of \(part.count) does not exist: parts count from 0.")
        }
        let all = try RawDataset.cases(in: input, fileEnding: dataset.fileEnding)
        guard !all.isEmpty else {
            throw NNUNetError.file(input.path, reason: "holds no image named like case_0000\(dataset.fileEnding)")
        }
        for raw in all where raw.images.count != dataset.channelNames.count {
            throw NNUNetError.badCase(
                raw.identifier,
                reason:
                    "it has \(raw.images.count) image files, and the model takes \(dataset.channelNames.count) channels (\(dataset.channelNames.joined(separator: ", ")))"
            )
        }
        let mine = all.enumerated().filter { $0.offset % part.count == part.index }.map(\.element)
        cases = mine.filter { raw in
            guard skipsExisting else { return true }
            func exists(_ ending: String) -> Bool {
                FileManager.default.fileExists(atPath: output.appending(path: raw.identifier + ending).path)
            }
            return !(exists(dataset.fileEnding) && (!savesProbabilities || exists(".npz") && exists(".pkl")))
        }
        preprocessor = try Preprocessor(plans: plans, configuration: configuration, dataset: dataset)
        export = LogitExport(plans: plans, configuration: configuration, labels: LabelManager(dataset))
        self.output = output
        self.savesProbabilities = savesProbabilities
    }

    public var count: Int { cases.count }

    public func prepare(_ index: Int) throws -> PreprocessedCase { try preprocessor.preprocess(cases[index]) }

    public func export(_ logits: Volume<Float>, of prepared: PreprocessedCase, index: Int) throws {
        try export.write(
            logits, of: prepared.properties, cases[index].identifier, fileEnding: preprocessor.dataset.fileEnding,
            in: output,
            withProbabilities: savesProbabilities)
    }
}

/// Cases that are preprocessed already: the validation of a fold.
public struct PreprocessedFolderCases: PredictionCases {
    let folder: PreprocessedFolder
    let identifiers: [String]
    let export: LogitExport
    let fileEnding: String
    let output: URL
    let savesProbabilities: Bool

    public init(
        _ folder: PreprocessedFolder, identifiers: [String], export: LogitExport, fileEnding: String, output: URL,
        savesProbabilities: Bool = false
    ) {
        self.folder = folder
        self.identifiers = identifiers
        self.export = export
        self.fileEnding = fileEnding
        self.output = output
        self.savesProbabilities = savesProbabilities
    }

    public var count: Int { identifiers.count }

    public func prepare(_ index: Int) throws -> PreprocessedCase { try folder.read(identifiers[index]) }

    public func export(_ logits: Volume<Float>, of prepared: PreprocessedCase, index: Int) throws {
        try export.write(
            logits, of: prepared.properties, identifiers[index], fileEnding: fileEnding, in: output,
            withProbabilities: savesProbabilities)
    }
}
