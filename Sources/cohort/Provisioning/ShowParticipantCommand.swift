import ArgumentParser
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct ShowParticipantCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Say whose a kit or certificate is, and until when.",
        discussion: """
            Certificates of FLARE's kits are read too. Nothing is verified: that is cohort provision verify.

            EXAMPLE
              cohort provision show hospital_a
              cohort provision show client.crt
            """)

    @Argument(help: ArgumentHelp("A kit, or a certificate in PEM.", valueName: "path")) var path = "."

    func run() throws {
        let url = URL(filePath: path)
        var isFolder = false
        if let values = try? FileManager.default.attributesOfItem(atPath: path) {
            isFolder = values[.type] as? FileAttributeType == .typeDirectory
        }
        let participant: Participant
        if isFolder {
            participant = try Participant(pem: Kit(contentsOf: url).certificateChain().pem)
        } else {
            participant = try Participant(pem: String(contentsOf: url, encoding: .utf8))
        }
        print("name          \(participant.name)")
        print("kind          \(participant.kind.rawValue)")
        if let role = participant.role { print("role          \(role.rawValue)") }
        print("organisation  \(participant.organisation)")
        print("serial        \(participant.serial)")
        print("from          \(participant.notBefore.formatted(.iso8601))")
        print(
            "until         \(participant.notAfter.formatted(.iso8601))\(participant.holds() ? "" : "  (does not hold now)")"
        )
    }
}
