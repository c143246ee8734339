import ArgumentParser
import Imaging
import NNUNet
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct DatasetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "datasets",
        abstract:
            "See which raw datasets there are, whether they fit together, divide one, and give several one table of labels.",
        discussion: """
            EXAMPLE
              cohort datasets list
              cohort datasets split 900 --sites 4 --test 20%
              cohort datasets validate 301 302 303 304
            """,
        subcommands: [
            ListDatasetsCommand.self, ValidateDatasetsCommand.self, SplitDatasetCommand.self,
            HarmoniseDatasetsCommand.self,
        ])
}

struct ListDatasetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the raw datasets, and which of them are planned and preprocessed.",
        discussion: """
            A modality is shown where the names of the channels tell it.

            EXAMPLE
              cohort datasets list
            """)

    func run() throws {
        let folders = DatasetFolders()
        let names = try folders.rawNames()
        guard !names.isEmpty else {
            print("No datasets in \(folders.raw.path). Make one: cohort phantom")
            return
        }
        var rows = [["id", "name", "cases", "channels", "modality", "labels", "plans", "preprocessed"]]
        var faults: [String] = []
        for name in names {
            let start = [String(DatasetFolders.id(of: name) ?? 0), DatasetFolders.title(of: name)]
            do {
                rows.append(start + (try row(name, folders)))
            } catch {
                rows.append(start + ["?"])
                faults.append("\(name) cannot be read: \(error)")
            }
        }
        print(TextTable(rows.map { $0.map { $0.isEmpty ? Quantity.none : $0 } }))
        for fault in faults { StandardError.write("Warning: \(fault)\n") }
    }

    private func row(_ name: String, _ folders: DatasetFolders) throws -> [String] {
        let dataset = try RawDataset(folder: folders.raw.appending(path: name))
        let description = dataset.description
        let modality = try? Modality(channelNames: description.channelNames, dataset: name)
        let labels = description.labels.map(\.name).filter { $0 != "background" }
        let preprocessed = PreprocessedState(folders.preprocessed.appending(path: name))
        return [
            String(dataset.cases.count), description.channelNames.joined(separator: ", "),
            modality.map(\.description) ?? "?",
            labels.joined(separator: ", ") + (description.ignoreLabel == nil ? "" : " (ignore)"),
            preprocessed.plans.joined(separator: ", "), preprocessed.configurations.joined(separator: ", "),
        ]
    }
}
