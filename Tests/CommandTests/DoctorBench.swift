import Fleet
import Foundation
import Provisioning
import Testing

/// A federation of one server and one hospital on this machine's loopback, for `cohort doctor`.
struct DoctorBench: Sendable {
    let cohort: Program
    let port: Int
    private let kits: URL

    /// - Parameters:
    ///   - made: when certificates were signed, which hold for 365 days.
    ///   - port: a free one where nil.
    init(
        host: String = "127.0.0.1", port: Int? = nil, authority: String = "Study CA", made: Date = Date()
    ) async throws {
        cohort = try Program()
        let port = try port ?? Self.freePort()
        self.port = port
        let project = try Project(
            yaml: """
                project: study
                authority: \(authority)
                server: {org: university, hosts: ["\(host)"], port: \(port), administration_port: \(Self.freePort())}
                sites: [hospital_a]
                """)
        kits = try await Workspace(project, in: cohort.folder).makeKits(now: made).folder
    }

    func remove() { cohort.remove() }
    func kit(_ name: String) -> URL { kits.appending(path: name) }

    // MARK: What the doctor says

    struct Report {
        struct Finding: Decodable { var check, verdict, text: String }
        var findings: [Finding]
        var output: String

        subscript(_ check: String) -> Finding? { findings.first { $0.check == check } }

        func expect(
            _ check: String, _ verdict: String, _ words: String, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let found = self[check]
            #expect(
                found?.verdict == verdict && (words.isEmpty || found!.text.contains(words)), "\(output)",
                sourceLocation: sourceLocation)
        }
    }

    /// - Parameter status: nil for any; 0 only says that nothing failed, which a small machine may not offer.
    func examine(
        _ name: String, _ arguments: String..., status: Int32? = nil, environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Report {
        let outcome = try await run(["doctor", kit(name).path] + arguments + ["--json"], environment)
        struct Whole: Decodable {
            var passed: Bool
            var findings: [Report.Finding]
        }
        let whole = try JSONDecoder().decode(Whole.self, from: Data(outcome.output.utf8))
        #expect(outcome.status == (whole.passed ? 0 : 1), sourceLocation: sourceLocation)
        #expect(whole.passed == !whole.findings.contains { $0.verdict == "fail" }, sourceLocation: sourceLocation)
        if let status { #expect(outcome.status == status, "\(outcome.output)", sourceLocation: sourceLocation) }
        return Report(findings: whole.findings, output: outcome.output + outcome.errors)
    }

    func run(_ arguments: String...) async throws -> Program.Outcome { try await run(arguments, [:]) }

    /// The program is waited for on a thread of its own: the server's tasks and other tests need the pool's.
    private func run(_ arguments: [String], _ environment: [String: String]) async throws -> Program.Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Swift.Result {
                        let process = try cohort.start(arguments, environment: environment)
                        process.waitUntilExit()
                        return try cohort.outcome(of: process)
                    })
            }
        }
    }

    // MARK: A server

    /// Runs the hospitals' port of this federation meanwhile.
    ///
    /// - Parameter ahead: seconds by which the server's clock is.
    func served<Result: Sendable>(
        ahead: Double? = nil, refusing refused: String? = nil, routes: [Route]? = nil,
        _ body: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        let kit = try Kit(contentsOf: kit("server"))
        let tls = HTTPSServer.TLS(
            identity: try TLSIdentity(certificateChain: kit.certificateChain().pem, privateKey: kit.privateKey().pem()),
            clientRoots: try TLSRoots(pem: kit.authority.pem))
        let policy = AccessPolicy(
            identify: { certificate in
                let participant = try Participant(derEncoded: certificate)
                return Peer(
                    name: participant.name, organisation: participant.organisation, role: participant.kind.rawValue,
                    serial: participant.serial, notAfter: participant.notAfter)
            },
            refusal: { $0.name == refused ? Refusal(status: 403, detail: "\($0.name) is revoked.") : nil },
            allowsAnonymous: { _ in false })
        let shifted = Route(
            .post, LinkProbe.route.path, largestBody: LinkProbe.route.largestBody,
            handler: ClosureHandler { request in
                var response = try await LinkProbe().handle(request)
                response.headers = [("cohort-time", "\(Date().timeIntervalSince1970 + (ahead ?? 0))")]
                return response
            })
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = try HTTPSServer(
            .init(host: "127.0.0.1", port: port, tls: tls, audience: .sites),
            routes: routes ?? [ahead == nil ? LinkProbe.route : shifted], policy: policy, audit: { _ in },
            onListening: { continuation.yield($0) })
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await server.run()
                return nil
            }
            for await _ in ports {
                group.addTask { try await body() }
                break
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard result == 0 else { throw POSIXError(.EADDRINUSE) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
