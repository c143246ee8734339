import Foundation
import Testing

@Suite(
    "Doctor", .serialized,
    .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct DoctorCommandTests {
    @Test func aGoodSitePasses() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        let report = try await bench.served { try await bench.examine("hospital_a", "--model-mb", "10") }
        for check in ["kit", "certificate", "key", "proxy", "name", "port", "tls", "admission", "clock", "round"] {
            #expect(report[check]?.verdict == "pass", "\(check): \(report[check]?.text ?? "missing")")
        }
        #expect(report["upload"]?.text.contains("Mbit/s") ?? false)
        #expect(report["round"]?.text.hasPrefix("10 MB (as given)") ?? false)
        #expect(report["policy"]?.verdict == "warn")
    }

    @Test func aClosedPortIsNamed() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        let report = try await bench.examine("hospital_a", status: 1)
        report.expect("port", "fail", "refuses connections on port \(bench.port)")
        report.expect("tls", "skip", "what comes before it failed")
        report.expect("certificate", "pass", "holds until")
    }

    @Test func aNameThatDoesNotResolve() async throws {
        let bench = try await DoctorBench(host: "nowhere.invalid")
        defer { bench.remove() }
        try await bench.examine("hospital_a", status: 1).expect("name", "fail", "nowhere.invalid does not resolve")
    }

    @Test func aProxyThatIsNotThere() async throws {
        let bench = try await DoctorBench(host: "nowhere.invalid")
        defer { bench.remove() }
        let proxied = ["HTTPS_PROXY": "http://user:secret@127.0.0.1:1"]
        let report = try await bench.examine("hospital_a", status: 1, environment: proxied)
        report.expect("port", "fail", "127.0.0.1 refuses connections on port 1")
        #expect(!report.output.contains("secret"))
        try await bench.examine("hospital_a", status: 1, environment: ["HTTPS_PROXY": "socks://a"])
            .expect("proxy", "fail", "only http:// is spoken")
    }

    @Test func inspectionOfTLSIsToldWithItsSigner() async throws {
        let bench = try await DoctorBench()
        let other = try await DoctorBench(port: bench.port, authority: "Proxy of the house CA")
        defer { bench.remove() }
        defer { other.remove() }
        let report = try await other.served { try await bench.examine("hospital_a", status: 1) }
        report.expect("tls", "fail", "not from this federation's authority")
        report.expect("tls", "fail", "signed by: Proxy of the house CA")
        report.expect("admission", "skip", "")
    }

    @Test func anExpiredCertificateIsTold() async throws {
        let bench = try await DoctorBench(made: Date(timeIntervalSinceNow: -400 * 86400))
        defer { bench.remove() }
        try await bench.examine("hospital_a", status: 1).expect(
            "certificate", "fail", "Ask the coordinator for a new invitation")
    }

    @Test func aCertificateThatEndsSoonIsToldBefore() async throws {
        let bench = try await DoctorBench(made: Date(timeIntervalSinceNow: -300 * 86400))
        defer { bench.remove() }
        try await bench.examine("hospital_a", status: 1).expect("certificate", "warn", "cohort join --renew")
    }

    @Test func aClockThatIsOffIsTold() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        let late = try await bench.served(ahead: 600) { try await bench.examine("hospital_a", status: 1) }
        late.expect("clock", "fail", "s behind the server's")
        let early = try await bench.served(ahead: -60) { try await bench.examine("hospital_a") }
        early.expect("clock", "warn", "s ahead of the server's")
    }

    @Test func whomTheServerDoesNotLetIn() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        let report = try await bench.served(refusing: "hospital_a") { try await bench.examine("hospital_a", status: 1) }
        report.expect("tls", "pass", "nothing inspects it")
        report.expect("admission", "fail", "is revoked")
    }

    @Test func aKeyThatOthersCanRead() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: bench.kit("hospital_a").appending(path: "startup/site.key").path)
        try await bench.examine("hospital_a", status: 1).expect("key", "fail", "chmod 600")
    }

    @Test func theSitesPolicyIsRead() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        let local = bench.kit("hospital_a").appending(path: "local")
        let file = local.appending(path: "site-policy.yaml")
        try Data("wrok: [train]\n".utf8).write(to: file)
        try await bench.examine("hospital_a", status: 1).expect("policy", "fail", "did you mean work?")
        try Data("work: [prepare, train]\nlargest_message_mb: 100\n".utf8).write(to: file)
        try await bench.examine("hospital_a", status: 1).expect("policy", "fail", "largest_message_mb is 100")
        // What the kit's sample shows is what the site reads.
        let sample = try String(contentsOf: local.appending(path: "site-policy.yaml.sample"), encoding: .utf8)
        let lines = sample.split(separator: "\n").map { $0.hasPrefix("# ") ? $0.dropFirst(2) : $0 }
        let settings = lines.filter { line in
            line.firstRange(of: ": ").map { line[..<$0.lowerBound].allSatisfy { $0 == "_" || $0.isLowercase } } ?? false
        }
        #expect(settings.count == 8)
        try Data(settings.joined(separator: "\n").utf8).write(to: file)
        try await bench.examine("hospital_a", status: 1).expect(
            "policy", "pass",
            "prepare, train, validate, send-model; datasets Dataset004_Hippocampus; at least 10 cases; 20:00-06:00")
    }

    @Test func aDiskThatIsTooSmall() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        try await bench.examine("hospital_a", "--model-mb", "1e9", status: 1).expect(
            "disk", "fail", "are needed. Make room")
    }

    @Test func aServersPortsAreFreeOrTaken() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        let free = try await bench.examine("server", status: nil)
        free.expect("port", "pass", "for sites, is free")
        free.expect("signing", "pass", "holds until")
        free.expect("root key", "warn", "Move it")
        try await bench.served { try await bench.examine("server", status: nil) }
            .expect("port", "pass", "the server runs")
        let other = try await DoctorBench(port: bench.port)
        defer { other.remove() }
        try await other.served { try await bench.examine("server", status: 1) }
            .expect("port", "fail", "is taken by another program")
    }

    @Test func aDatasetIsRead() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        let phantom = try await bench.run("phantom", "-d", "900")
        #expect(phantom.status == 0)
        let label = bench.cohort.folder.appending(path: "cohort-data/nnUNet_raw/Dataset900_Phantom/labelsTr")
        try await bench.examine("hospital_a", "900", status: 1).expect("dataset", "pass", "all read")
        let first = try #require(FileManager.default.contentsOfDirectory(atPath: label.path).sorted().first)
        try FileManager.default.removeItem(at: label.appending(path: first))
        let report = try await bench.examine("hospital_a", "900", "--quick", status: 1)
        report.expect("dataset", "fail", "1 fault")
        #expect(!report.output.contains(first.prefix { $0 != "." }))
    }

    @Test func whatIsNoKitIsTold() async throws {
        let bench = try await DoctorBench()
        defer { bench.remove() }
        let outcome = try await bench.run("doctor", ".")
        #expect(outcome.status == 1 && outcome.output.contains("FAIL  kit") && outcome.output.contains("is no kit"))
    }
}
