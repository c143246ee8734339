import ArgumentParser

struct PrivacyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "privacy", abstract: "What differential privacy costs, before and after a run.",
        subcommands: [EpsilonCommand.self, PlanPrivacyCommand.self, LedgerCommand.self])
}
