import Fleet
import Foundation
import Provisioning
import Testing

/// Everybody who should not get in, against a server as it is deployed, while a run goes on there.
@Suite(
    "Intruders", .serialized,
    .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct SiegeTests {
    private static let run = """
        name: hospitals
        sites:
          - {name: hospital_a, dataset: 301, threads: 1}
          - {name: hospital_b, dataset: 302, threads: 1}
        training: {rounds: 8, iterations_per_epoch: 2, validation_iterations_per_epoch: 1, batch_size: 2, precision: fp32}
        validation: {overlays: 0}
        device: cpu
        """

    @Test func aRunUnderAttackEndsWithTheRightWeights() async throws {
        let siege = try await Siege()
        defer { siege.end() }
        for number in ["301", "302"] {
            let made = try await siege.run(
                "phantom", "-d", number, "--name", "H\(number)", "--cases", "6", "--test-cases", "1", "--size", "16",
                "20", "20", "--scanners", "1", "--seed", number)
            #expect(made.status == 0, "\(made.errors)")
        }
        try Data(Self.run.utf8).write(to: siege.cohort.folder.appending(path: "run.yaml"))
        let simulated = try await siege.run("simulate", "run.yaml", "--output", "simulated")
        #expect(simulated.status == 0, "\(simulated.errors)")

        let slow = try await siege.slowCallers()
        let sites = try Siege.hospitals.map {
            try siege.cohort.start(["site", siege.folder($0).path], log: $0)
        }
        defer { for site in sites { site.terminate() } }
        let administrator = siege.folder("anna@example.org").path
        let submitted = try await siege.run("submit", "run.yaml", "--kit", administrator)
        #expect(submitted.status == 0, "\(submitted.errors)")

        try await siege.wrongCertificates()
        try await siege.revokedOnAnOpenConnection()
        try await siege.tokensTwice()
        try await siege.pathsThatAreNone()
        try await siege.namesThatAreNone()
        try await siege.anothersName()
        try await siege.otherVersions()
        let before = try siege.memory("VmRSS")
        try await siege.tenGigabytes()
        try await siege.fuzz()
        let after = try siege.memory("VmRSS")
        #expect(after - before < 64 << 20, "\(before >> 20) MiB before the floods, \(after >> 20) MiB after")
        try await siege.expectGone(slow)
        try await siege.manyRefusals()

        var status = ""
        for _ in 0..<600 {
            status = try await siege.run("status", "--kit", administrator).output
            if status.contains(": finished") || status.contains(": failed") { break }
            try await Task.sleep(for: .milliseconds(500))
        }
        #expect(status.contains(": finished"), "\(status)")
        let global = "server/global-8.safetensors"
        #expect(
            try siege.cohort.bytes("simulated/" + global)
                == Data(contentsOf: siege.folder("server").appending(path: "state/runs/1/" + global)))
        let peak = try siege.memory("VmHWM")
        #expect(peak < 300 << 20, "\(peak >> 20) MiB at most")
        // Nothing of a patient or a token is in the log of refusals.
        let audit = siege.auditText
        #expect(!audit.contains("Phantom_") && !audit.contains("BEGIN"))
        print(
            "intruders: \(siege.audit.count) lines in the audit log, the server at \(after >> 20) MiB, at most "
                + "\(peak >> 20) MiB")
    }
}
