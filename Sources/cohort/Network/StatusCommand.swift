import ArgumentParser
import Catalog
import Study

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "A server's runs and sites, and how they are.",
        discussion: """
            EXAMPLES
              cohort status                              all runs, and who is there
              cohort status 3                            the rounds and sites of run 3
              cohort status --site hospital_b            what one site did, over all runs
            """)

    @Argument(help: "A run's number.") var number: Int?
    @Option(help: "Only this site, over all runs or in the one that is named.") var site: String?
    @Option(help: "The metric that is shown: dice, dice/LABEL, val_loss or loss.") var metric = "dice"
    @OptionGroup var administrator: KitOption

    func run() async throws {
        if number != nil || site != nil { return try await showHistory() }
        let status: AdministrationEndpoint.Status = try await administrator.ask(
            AdministrationEndpoint.status, [String: String]())
        print(status.sites.isEmpty ? "No site has joined yet." : "SITES")
        for site in status.sites { print("  \(site.name): \(site.status)") }
        print(status.runs.isEmpty ? "No run was handed in yet." : "RUNS")
        for run in status.runs {
            print("  \(run.id)  \(run.name): \(run.state.rawValue), by \(run.submitter)")
            if let reason = run.reason { print("     \(reason)") }
        }
    }

    private func showHistory() async throws {
        let history: AdministrationEndpoint.History = try await administrator.ask(
            AdministrationEndpoint.history,
            AdministrationEndpoint.HistoryRequest(run: number, site: site, metric: metric))
        guard !history.sites.isEmpty else { return print("No round has ended yet.") }
        func value(_ metric: Double?) -> String { metric.map { Quantity.decimal($0, 3) } ?? Quantity.none }
        if site == nil {
            var rounds = [["round", "", "sites", metric, "time"]]
            rounds += history.rounds.map { round in
                let all = round.sitesThatTookPart + round.sitesThatDidNot
                return [
                    "\(round.round)", round.isBest ? "best" : round.stage == "training" ? "" : round.stage,
                    "\(round.sitesThatTookPart) of \(all)", value(round.metric), Quantity.seconds(round.seconds),
                ]
            }
            print("\(TextTable(rounds, isNumeric: true))\n")
        }
        var sites = [[number == nil ? "run" : "site", "rounds", "missed", "cases", metric, "time", "sent", "received"]]
        sites += history.sites.map { own in
            [
                number == nil ? "\(own.run) \(own.runName)" : own.site, "\(own.rounds)", "\(own.roundsMissed)",
                "\(own.examples)", value(own.metric), Quantity.seconds(own.seconds), Quantity.bytes(own.bytesSent),
                Quantity.bytes(own.bytesReceived),
            ]
        }
        print(TextTable(sites, isNumeric: true))
        for own in history.sites {
            if let failure = own.lastFailure { print("\(own.site), run \(own.run), last left out: \(failure)") }
        }
    }
}
