#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The three folders that nnU-Net works in.
public struct DatasetFolders: Sendable, Equatable {
    public let raw: URL
    public let preprocessed: URL
    public let results: URL

    public init(raw: URL, preprocessed: URL, results: URL) {
        self.raw = raw
        self.preprocessed = preprocessed
        self.results = results
    }

    /// `nnUNet_raw`, `nnUNet_preprocessed` and `nnUNet_results` where they are set, folders under `./cohort-data` elsewhere.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        func folder(_ name: String) -> URL {
            if let path = environment[name], !path.isEmpty { return URL(filePath: path, directoryHint: .isDirectory) }
            return URL(filePath: "cohort-data/\(name)", directoryHint: .isDirectory)
        }
        self.init(
            raw: folder("nnUNet_raw"), preprocessed: folder("nnUNet_preprocessed"), results: folder("nnUNet_results"))
    }

    /// The full name of a dataset, from its number ("4"), or its name itself (`Dataset004_Hippocampus`).
    public func datasetName(_ idOrName: String) throws -> String {
        guard let id = Int(idOrName) else {
            guard Self.id(of: idOrName) != nil else {
                throw NNUNetError.plan(
                    "\"\(idOrName)\" is neither a dataset's number nor a name such as Dataset004_Hippocampus.")
            }
            return idOrName
        }
        let names = allNames().filter { Self.id(of: $0) == id }
        guard let name = names.first else {
            throw NNUNetError.plan(
                "No dataset has the number \(id). Looked for Dataset\(Self.padded(id))_… in \(raw.path), \(preprocessed.path) and \(results.path)."
            )
        }
        guard names.count == 1 else {
            throw NNUNetError.plan(
                "\(names.count) datasets have the number \(id): \(names.sorted().joined(separator: ", ")). Give one of them another number."
            )
        }
        return name
    }

    /// Where a model's folds lie: `Trainer__Plans__configuration`.
    public func modelFolder(dataset: String, trainer: String, plans: String, configuration: String) -> URL {
        Self.modelFolder(in: results, dataset: dataset, trainer: trainer, plans: plans, configuration: configuration)
    }

    /// The same in any folder of results.
    public static func modelFolder(
        in results: URL, dataset: String, trainer: String, plans: String, configuration: String
    ) -> URL {
        results.appending(path: dataset).appending(path: "\(trainer)__\(plans)__\(configuration)")
    }
}
