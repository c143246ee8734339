import ArgumentParser
import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Prints a summary: a line per class, and the mean over the foreground.
func printTable(_ summary: EvaluationSummary, names: [String]) {
    func cell(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
    func number(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "–" }
        let scale = digits == 4 ? 10_000.0 : 100
        let scaled = Int((value * scale).rounded())
        let fraction = String(scaled % Int(scale))
        return "\(scaled / Int(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
    let width = max(10, (names.map(\.count).max() ?? 0) + 2)
    print(cell("", width) + cell("Dice", 10) + cell("HD95 (mm)", 12) + "NSD")
    for (index, name) in names.enumerated() {
        print(
            cell(name, width) + cell(number(summary.mean("Dice", of: index), 4), 10)
                + cell(number(summary.mean("HD95", of: index), 2), 12) + number(summary.mean("NSD", of: index), 4))
    }
    print(cell("mean", width) + number(summary.foregroundMean("Dice"), 4))
}

struct EvaluateFolderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate-folder", abstract: "Score a folder of segmentations against references.",
        discussion: "EXAMPLE\n  cohort evaluate-folder labelsTs predictions -djfile dataset.json -pfile plans.json")

    @Argument(help: "Folder of references.") var references: String
    @Argument(help: "Folder of predictions.") var predictions: String
    @Option(name: .customLong("djfile", withSingleDash: true), help: "dataset.json.") var datasetFile: String
    @Option(name: .customLong("pfile", withSingleDash: true), help: "plans.json; not needed here.") var plansFile:
        String?
    @Option(name: .customShort("o"), help: "The summary (default: summary.json among the predictions).") var output:
        String?
    @OptionGroup var processes: ProcessOptions
    @Flag(name: .customLong("chill"), help: "Score what is there where predictions are missing.") var chill = false

    func run() throws {
        let dataset = try DatasetDescription(contentsOf: URL(filePath: datasetFile))
        let predictionFolder = URL(filePath: predictions, directoryHint: .isDirectory)
        let summary = try Evaluator.evaluateFolder(
            references: URL(filePath: references, directoryHint: .isDirectory), predictions: predictionFolder,
            dataset: dataset,
            allowsMissing: chill, threads: processes.threads)
        let file = output.map { URL(filePath: $0) } ?? predictionFolder.appending(path: "summary.json")
        try summary.write(to: file)
        let names = summary.classes.map { scored in
            dataset.labels.first { $0.values == scored.labels }?.name ?? scored.key
        }
        printTable(summary, names: names)
        print(file.path)
    }
}

struct EvaluateSimpleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate-simple", abstract: "Score a folder of segmentations by label numbers alone.",
        discussion: "EXAMPLE\n  cohort evaluate-simple labelsTs predictions -l 1 2")

    @Argument(help: "Folder of references.") var references: String
    @Argument(help: "Folder of predictions.") var predictions: String
    @Option(name: .customShort("l"), parsing: .upToNextOption, help: "Labels to score.") var labels: [Int]
    @Option(name: .customLong("il", withSingleDash: true), help: "The ignore label.") var ignoreLabel: Int?
    @Option(name: .customShort("o"), help: "The summary (default: summary.json among the predictions).") var output:
        String?
    @OptionGroup var processes: ProcessOptions
    @Flag(name: .customLong("chill"), help: "Score what is there where predictions are missing.") var chill = false

    func run() throws {
        let predictionFolder = URL(filePath: predictions, directoryHint: .isDirectory)
        let summary = try Evaluator.evaluateSimple(
            references: URL(filePath: references, directoryHint: .isDirectory), predictions: predictionFolder,
            labels: labels,
            ignoreLabel: ignoreLabel, allowsMissing: chill, threads: processes.threads)
        let file = output.map { URL(filePath: $0) } ?? predictionFolder.appending(path: "summary.json")
        try summary.write(to: file)
        printTable(summary, names: labels.map { "label \($0)" })
        print(file.path)
    }
}
