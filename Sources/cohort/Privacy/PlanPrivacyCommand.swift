import ArgumentParser
import NNUNet
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct PlanPrivacyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Before a run: its noise, its ε, and what that protects and what not.",
        discussion: """
            How many records a site has, and how large the network is, is looked up where the datasets of a simulation and \
            their plans are on this machine, and must be stated else.

            EXAMPLES
              cohort privacy plan run.yaml
              cohort privacy plan run.yaml --records 200 --parameters 31000000
            """)

    @Argument(help: "A run file.") var runFile: String
    @Option(help: "Training records of a site: cases, or patients.") var records: Int?
    @Option(help: "Trained values.") var parameters: Int?
    @Option(name: .customLong("set"), help: "Any value of the run file: training.rounds=20.") var settings: [String] =
        []

    func run() throws {
        let overrides = try settings.map { setting in
            guard let override = RunFile.Override(setting) else {
                throw ValidationError("--set \(setting): write PATH=VALUE, such as training.rounds=20.")
            }
            return override
        }
        let run = try RunFile(contentsOf: URL(filePath: runFile), overrides: overrides)
        _ = try run.makeStrategy()
        print(
            try RunPrivacyPlan(
                run, folders: DatasetFolders(), stated: .init(records: records, parameters: parameters)))
    }
}
