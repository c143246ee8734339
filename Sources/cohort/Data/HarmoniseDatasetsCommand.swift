import ArgumentParser
import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct HarmoniseDatasetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "harmonise", abstract: "Write datasets anew with one table of labels, matched by name.",
        discussion: """
            Images are linked, labels rewritten. With union, a site that has not annotated a label is warned of, and its \
            dataset.json says so under unannotated_labels.

            EXAMPLE
              cohort datasets harmonise 301 302 303 --labels intersection --first-id 311
            """)

    @Argument(help: "Datasets: numbers, or names such as Dataset004_Hippocampus.") var datasets: [String]
    @Option(help: "Which labels are kept: intersection (those of all datasets) or union (those of any).")
    var labels: LabelHarmonisation.Rule
    @Option(help: "The number of the first new dataset.") var firstId: Int
    @Flag(help: "Copy images instead of linking them.") var copy = false
    @OptionGroup var processes: ProcessOptions

    func validate() throws {
        guard datasets.count > 1 else { throw ValidationError("Name at least two datasets.") }
    }

    func run() throws {
        let folders = DatasetFolders()
        let names = try datasets.map { try folders.datasetName($0) }
        guard Set(names).count == names.count else { throw ValidationError("A dataset is named more than once.") }
        let sources = try names.map { try RawDataset(folder: folders.raw.appending(path: $0)) }
        for source in sources { try IntegrityCheck(source).runQuickly() }
        let harmonisation = try LabelHarmonisation(
            zip(names, sources.map(\.description)).map { ($0, $1) }, rule: labels)
        let new = try NewRawDatasets(names.map(DatasetFolders.title), firstID: firstId, in: folders)
        let progress = Progress("harmonise", count: try LabelHarmonisation.caseCount(of: sources))
        let written = try harmonisation.write(
            sources, as: new, images: copy ? .copy : .link, threads: processes.threads
        ) { progress.show($0) }

        for label in harmonisation.labels {
            print("\(label.name): \(label.values.map(String.init).joined(separator: ", "))")
        }
        if let ignore = harmonisation.ignoreLabel { print("ignore: \(ignore)") }
        for (mapping, folder) in zip(harmonisation.mappings, written) {
            let changes = mapping.values.sorted { $0.key < $1.key }.map { "\($0.key) → \($0.value)" }
            print("\(mapping.site) → \(folder.lastPathComponent): \(changes.joined(separator: ", "))")
        }
        for warning in harmonisation.warnings { StandardError.write("Warning: \(warning)\n") }
    }
}

extension LabelHarmonisation.Rule: ExpressibleByArgument {}
