import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a kit's files tell, without a network.
struct KitChecks {
    let kit: Kit
    let passphrase: () throws -> String?

    func run(_ checkup: inout Checkup) async {
        let settings = kit.settings
        await checkup.check("kit") {
            let count = try kit.verifyFiles()
            let files = count == 0 ? "made here by cohort join" : "all \(count) files are as they were made"
            return .pass("\(settings.kind.rawValue) \(settings.name) of \(settings.project); \(files)")
        }
        await checkup.check("certificate") { try await certificate() }
        await checkup.check("key") {
            try kit.checkKey()
                ? .pass(
                    "only its owner can read it; encrypted, so starting needs COHORT_PASSPHRASE or --passphrase-file")
                : .pass("only its owner can read it, and it is the certificate's")
        }
        if settings.kind == .server { await server(&checkup) }
    }

    private func certificate() async throws -> Finding.Result {
        let now = Date()
        let shown = try Participant(pem: kit.certificateChain().pem)
        let end = shown.notAfter.formatted(.iso8601)
        let renewal =
            kit.settings.kind == .server
            ? "cohort provision PROJECT --renew \(kit.settings.name), and restart the server"
            : "cohort join --renew \(kit.folder.path)"
        if shown.notAfter < now {
            return .fail(
                kit.settings.kind == .server
                    ? "It ended \(end). Renew it: \(renewal)"
                    : "It ended \(end), and one that has ended cannot be renewed. Ask the coordinator for a new invitation"
            )
        }
        if shown.notBefore > now {
            return .fail("It begins \(shown.notBefore.formatted(.iso8601)). Set this machine's clock")
        }
        let participant = try await kit.participant()
        let days = Int(participant.notAfter.timeIntervalSince(now) / 86400)
        let text = "holds until \(end), \(days) days"
        return Renewal.isDue(participant, at: now) ? .warn("\(text). Renew it now: \(renewal)") : .pass(text)
    }

    private func server(_ checkup: inout Checkup) async {
        await checkup.check("signing") {
            let end = try kit.signingEnd(passphrase: passphrase)
            let days = Int(end.timeIntervalSinceNow / 86400)
            let text = "the intermediate certificate holds until \(end.formatted(.iso8601)), \(days) days"
            let remedy = "Bring the root key for a moment: cohort provision PROJECT --new-intermediate"
            if days < 0 { return .fail("\(text). \(remedy)") }
            return days < 90 ? .warn("\(text). \(remedy)") : .pass(text)
        }
        await checkup.check("revocations") {
            _ = try kit.revocations().isRevoked(serial: "00")
            return .pass("the list can be read")
        }
        if let root = kit.rootKeyNearby {
            checkup.note("root key", .warn("\(root.path) lies on this machine. Move it to one without a network"))
        }
    }
}
