import Fleet
import Foundation
import Provisioning
import Testing

/// A server as `cohort server` runs it, in a process of its own, with two hospitals that work, a member who means no good,
/// and an administrator; and what an attacker and the server's people see of it.
struct Siege: Sendable {
    let cohort: Program
    let ports: (sites: Int, administration: Int)
    private let kits: URL
    private let server: Process

    static let hospitals = ["hospital_a", "hospital_b"]

    private static func project(_ ports: (sites: Int, administration: Int)) throws -> Project {
        try Project(
            yaml: """
                project: study
                authority: Study CA
                server: {org: university, hosts: ["127.0.0.1"], port: \(ports.sites), \
                administration_port: \(ports.administration)}
                sites: [hospital_a, hospital_b, mallory, revoked_site]
                administrators: [{name: anna@example.org, org: university, role: lead}]
                """)
    }

    init() async throws {
        cohort = try Program()
        ports = (try DoctorBench.freePort(), try DoctorBench.freePort())
        kits = try await Workspace(Self.project(ports), in: cohort.folder).makeKits().folder
        server = try cohort.start(
            ["server", kits.appending(path: "server").path, "--host", "127.0.0.1"], log: "server")
        for _ in 0..<1000 where !serverLog.contains("for administrators on port") {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func end() {
        server.terminate()
        server.waitUntilExit()
        cohort.remove()
    }

    func kit(_ name: String) throws -> Kit { try Kit(contentsOf: folder(name)) }
    func folder(_ name: String) -> URL { kits.appending(path: name) }
    var authority: Authority { get throws { try kit("server").authority } }

    /// A kit of the same names under another authority.
    func stranger(_ name: String) async throws -> Kit {
        let folder = cohort.folder.appending(path: "stranger")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let kits = try await Workspace(Self.project(ports), in: folder).makeKits().folder
        return try Kit(contentsOf: kits.appending(path: name))
    }

    /// The kit of a site whose certificate this authority made to end yesterday.
    func expired(_ name: String) throws -> Kit {
        let folder = cohort.folder.appending(path: "expired_\(name)")
        try FileManager.default.copyItem(at: self.folder(name), to: folder)
        let kit = try Kit(contentsOf: folder)
        let chain = try self.kit("server").certificateAuthority().issue(
            CertificateSubject(name: name, organisation: name, kind: .site), to: kit.privateKey().publicKey, days: 1,
            now: Date().addingTimeInterval(-2 * 86400), notBefore: Date().addingTimeInterval(-2 * 86400))
        try chain.pem.write(to: kit.startup.appending(path: "site.pem"), atomically: true, encoding: .utf8)
        return kit
    }

    // MARK: Programs

    /// Runs the program; it is waited for on a thread of its own.
    func run(_ arguments: String...) async throws -> Program.Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Swift.Result { try cohort(arguments) }) }
        }
    }

    // MARK: What an attacker sees

    enum Answer: Equatable, CustomStringConvertible {
        case status(Int, String)
        /// The server's TLS alert.
        case alert(String)
        case failure(String)

        var status: Int? { if case .status(let status, _) = self { status } else { nil } }
        var alert: String? { if case .alert(let alert) = self { alert } else { nil } }
        var text: String { if case .status(_, let text) = self { text } else { "" } }
        var description: String {
            switch self {
            case .status(let status, let text): "\(status) \(text.prefix(300))"
            case .alert(let alert): "alert \(alert)"
            case .failure(let text): text
            }
        }
    }

    func client(_ kit: Kit?, administration: Bool = false) throws -> HTTPSClient {
        let identity = try kit.map {
            try TLSIdentity(certificateChain: $0.certificateChain().pem, privateKey: $0.privateKey().pem())
        }
        var settings = HTTPSClient.Settings(identity: identity, roots: try TLSRoots(pem: authority.pem))
        settings.retry = .never
        let port = administration ? ports.administration : ports.sites
        return try HTTPSClient(
            server: Fleet.ServerAddress(scheme: .https, host: "127.0.0.1", port: port), settings: settings)
    }

    /// One call on a connection of its own.
    func call(
        _ path: String, _ body: [UInt8] = [], as kit: Kit?, administration: Bool = false
    ) async throws -> Answer {
        let client = try client(kit, administration: administration)
        let answer = await Self.call(client, path, body)
        try await client.close()
        return answer
    }

    static func call(_ client: HTTPSClient, _ path: String, _ body: [UInt8] = []) async -> Answer {
        do {
            let bytes = try await client.post(path, body, answerUpTo: 64 << 20)
            return .status(200, String(decoding: bytes, as: UTF8.self))
        } catch TransportError.denied(let refusal), TransportError.answered(let refusal) {
            return .status(refusal.status, refusal.detail)
        } catch TransportError.certificateRefused(let alert) {
            return .alert(alert)
        } catch { return .failure("\(error)") }
    }

    // MARK: What the server's people see

    struct AuditLine: Decodable {
        var peer: String?
        var address: String?
        var route: String?
        var status: Int?
        var reason: String
    }

    var auditText: String {
        (try? String(contentsOf: folder("server").appending(path: "state/audit.jsonl"), encoding: .utf8)) ?? ""
    }
    var audit: [AuditLine] {
        auditText.split(separator: "\n").compactMap {
            try? JSONDecoder().decode(AuditLine.self, from: Data($0.utf8))
        }
    }
    var serverLog: String {
        (try? String(contentsOf: cohort.folder.appending(path: "server.out"), encoding: .utf8)) ?? ""
    }

    /// Waits a moment for a line that says who, from where, for what and why.
    func expectAudit(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ matches: (AuditLine) -> Bool
    ) async throws {
        for _ in 0..<100 {
            if audit.contains(where: { matches($0) && !($0.peer ?? $0.address ?? "").isEmpty && !$0.reason.isEmpty }) {
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("no audit line: \(what)", sourceLocation: sourceLocation)
    }

    /// A line of the server process's `/proc/…/status`, in bytes: `VmRSS`, `VmHWM`.
    func memory(_ name: String) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(server.processIdentifier)/status", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + ":") })
        return 1024 * (Int(line.split(whereSeparator: { !$0.isNumber }).first ?? "") ?? 0)
    }
}
