import ArgumentParser
import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct ValidateDatasetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check datasets one by one, and whether sites that hold them can learn one model together.",
        discussion: """
            Only dataset.json, the names of files and the headers of images are looked at; --full reads every case. Where \
            no datasets are named, all are checked, and not compared.

            EXAMPLE
              cohort datasets validate 301 302 303
              cohort datasets validate 5 9 --full --modality 9=CT
            """)

    @Argument(help: "Datasets: numbers, or names such as Dataset004_Hippocampus (default: all).")
    var datasets: [String] = []
    @Flag(help: "Read every image and label.") var full = false
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The modality of datasets whose channels do not tell it, such as 9=CT or 12=CT+PET.",
            valueName: "dataset=modality"))
    var modality: [String] = []
    @OptionGroup var processes: ProcessOptions

    func run() throws {
        let folders = DatasetFolders()
        let names = try datasets.isEmpty ? folders.rawNames() : datasets.map { try folders.datasetName($0) }
        guard !names.isEmpty else {
            throw NNUNetError.file(folders.raw.path, reason: "holds no datasets. Make one: cohort phantom")
        }
        guard Set(names).count == names.count else { throw ValidationError("A dataset is named more than once.") }
        let stated = try statedModalities(folders, names)
        var sites: [DatasetCompatibility.Site] = []
        var failures = 0
        for name in names {
            do {
                sites += try [checked(name, folders, stated[name])].compactMap { $0 }
            } catch {
                failures += 1
                StandardError.write("\(error)\n")
            }
        }
        if !datasets.isEmpty, sites.count > 1 {
            let compatibility = DatasetCompatibility(sites)
            print("")
            for difference in compatibility.differences { print("- \(difference.text)") }
            print(compatibility.advice)
            if compatibility.consequence == .nothing { failures += 1 }
        }
        if failures > 0 { throw ExitCode.failure }
    }

    /// Nil where the dataset is good and its modality is unknown, which only matters to a federation.
    private func checked(_ name: String, _ folders: DatasetFolders, _ stated: Modality?) throws
        -> DatasetCompatibility.Site?
    {
        let dataset = try RawDataset(folder: folders.raw.appending(path: name))
        let check = IntegrityCheck(dataset)
        try check.runQuickly()
        if full {
            let progress = Progress(name, count: dataset.cases.count)
            for warning in try check.run(threads: processes.threads, progress: { progress.show($0) }) {
                StandardError.write("Warning: \(warning)\n")
            }
        }
        let labels = dataset.description.labels.map(\.name).filter { $0 != "background" }
        let facts =
            "\(dataset.cases.count) \(dataset.cases.count == 1 ? "case" : "cases"), labels \(labels.joined(separator: ", "))"
        let modality: Modality
        do {
            modality = try Modality(channelNames: dataset.description.channelNames, stated: stated, dataset: name)
        } catch {
            guard datasets.count <= 1, stated == nil else { throw error }
            StandardError.write("Warning: \(error)\n")
            print("\(name): good. \(facts)")
            return nil
        }
        print("\(name): good. \(modality), \(facts)")
        let file = folders.preprocessed.appending(path: name).appending(path: "dataset_fingerprint.json")
        let fingerprint =
            FileManager.default.fileExists(atPath: file.path) ? try DatasetFingerprint(contentsOf: file) : nil
        return DatasetCompatibility.Site(
            name: name, description: dataset.description, modality: modality,
            spacing: datasets.count > 1 ? try dataset.medianSpacing(threads: processes.threads) : nil,
            fingerprint: fingerprint)
    }

    private func statedModalities(_ folders: DatasetFolders, _ names: [String]) throws -> [String: Modality] {
        var stated: [String: Modality] = [:]
        for text in modality {
            guard let equals = text.firstIndex(of: "=") else {
                throw ValidationError("--modality takes a dataset and its modality, such as 9=CT, not \"\(text)\".")
            }
            let name = try folders.datasetName(String(text[..<equals]))
            guard names.contains(name) else {
                throw ValidationError("--modality \(text): \(name) is not among the datasets to check.")
            }
            stated[name] = try Modality(stated: String(text[text.index(after: equals)...]))
        }
        return stated
    }
}
