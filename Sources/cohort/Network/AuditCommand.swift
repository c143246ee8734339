import ArgumentParser
import Catalog
import Study

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The calls that a server refused: when, whose, and why.",
        discussion: """
            EXAMPLE
              cohort audit --peer hospital_b --since 2026-11-01
            """)

    @Option(help: "Only this participant's, by its certificate.") var peer: String?
    @Option(help: "From this date or time on, in UTC: 2026-11-01, 2026-11-01T08:00:00Z.") var since: String?
    @Option(help: "So many, the newest.") var last = 50
    @OptionGroup var administrator: KitOption

    func validate() throws {
        guard last > 0 else { throw ValidationError("--last must be at least 1.") }
        guard since.map({ $0.firstMatch(of: /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\dZ?)?)?$/) != nil }) ?? true else {
            throw ValidationError("--since takes a date or a time such as 2026-11-01 or 2026-11-01T08:00:00Z.")
        }
    }

    func run() async throws {
        let audit: AdministrationEndpoint.Audit = try await administrator.ask(
            AdministrationEndpoint.audit, AdministrationEndpoint.AuditRequest(peer: peer, since: since, last: last))
        guard !audit.refusals.isEmpty else { return print("No call was refused.") }
        for call in audit.refusals {
            let who = [call.peer ?? "a stranger", call.address.map { "(\($0))" }].compactMap { $0 }
            print(
                "\(call.time)  \(who.joined(separator: " "))  \(call.status.map { "\($0) " } ?? "")\(call.route ?? "")")
            print("    \(call.reason)")
        }
    }
}
