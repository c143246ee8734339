import Foundation
import Testing

@Suite(
    "Authorization at a server",
    .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct AuthorizationCommandTests {
    /// At a server `o:site` means its own organisation; and without its list of revocations it does not start.
    @Test func theSiteThatIsAskedIsTheServer() async throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let ports = [try DoctorBench.freePort(), try DoctorBench.freePort()]
        let project = """
            project: study
            server: {org: university, hosts: [localhost], port: \(ports[0]), administration_port: \(ports[1])}
            administrators:
              - {name: anna@example.org, org: university, role: lead}
              - {name: bert@example.org, org: clinic, role: lead}
            """
        try Data(project.utf8).write(to: cohort.folder.appending(path: "project.yaml"))
        let made = try cohort("provision", "-p", "project.yaml", "-w", "w", "--kits")
        #expect(made.status == 0, "\(made.errors)")
        let kits = "w/study/prod_00"
        try Data(#"{"permissions": {"lead": {"view": "o:site"}}}"#.utf8).write(
            to: cohort.folder.appending(path: kits + "/server/local/authorization.json"))

        let server = try cohort.start(["server", kits + "/server"], log: "server")
        defer { server.terminate() }
        var anna = try cohort("status", "--kit", kits + "/anna@example.org")
        for _ in 0..<100 where anna.status != 0 {
            try await Task.sleep(for: .milliseconds(100))
            anna = try cohort("status", "--kit", kits + "/anna@example.org")
        }
        #expect(anna.status == 0, "\(anna.errors)")
        let bert = try cohort("status", "--kit", kits + "/bert@example.org")
        #expect(bert.status != 0 && bert.errors.contains("may not"), "\(bert.errors)")
        server.terminate()
        server.waitUntilExit()

        try FileManager.default.removeItem(at: cohort.folder.appending(path: kits + "/server/local/revoked.jsonl"))
        let again = try cohort.start(["server", kits + "/server"], log: "again")
        defer { again.terminate() }
        for _ in 0..<100 where again.isRunning { try await Task.sleep(for: .milliseconds(100)) }
        #expect(!again.isRunning)
    }
}
