import Fleet
import Foundation
import Synchronization
import Testing

/// A server on a free loopback port, with handlers that the tests call and a list of what was audited.
struct TestServer: Sendable {
    let port: Int
    let audited: Log<AuditEvent>
    let revoked: Log<String>
    let server: HTTPSServer

    final class Log<Element: Sendable>: Sendable {
        private let content = Mutex<[Element]>([])
        var all: [Element] { content.withLock { $0 } }
        func append(_ element: Element) { content.withLock { $0.append(element) } }
    }

    func address(_ scheme: String = "https") throws -> ServerAddress {
        try ServerAddress("\(scheme)://127.0.0.1:\(port)")
    }

    /// Answers with its caller's name and the body's length and sum.
    static let echo = ClosureHandler { request in
        var count = 0
        var sum: UInt64 = 0
        for try await chunk in request.body {
            count += chunk.count
            for byte in chunk { sum = sum &* 31 &+ UInt64(byte) }
        }
        return Response(body: .bytes(Array("\(request.peer?.name ?? "nobody") \(count) \(sum)".utf8)))
    }

    static func expectedEcho(_ name: String, _ bytes: [UInt8]) -> String {
        "\(name) \(bytes.count) \(bytes.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) })"
    }

    static let standardRoutes = [
        Route(.post, "/v1/fleet/push-object", largestBody: 16 << 20, handler: echo),
        Route(.post, "/v1/enrol", largestBody: 64 << 10, handler: echo),
    ]

    @discardableResult
    static func run<Result: Sendable>(
        tls: HTTPSServer.TLS?, port: Int = 0, audience: Audience = .sites, limits: ServerLimits = ServerLimits(),
        routes: [Route] = standardRoutes, _ body: @Sendable @escaping (TestServer) async throws -> Result
    ) async throws -> Result {
        let audited = Log<AuditEvent>()
        let revoked = Log<String>()
        let policy = AccessPolicy(
            identify: { try Peer(certificate: $0) },
            refusal: { peer in
                guard audience == .sites else {
                    return Refusal(status: 403, detail: "\(peer.name) is no administrator.")
                }
                guard revoked.all.contains(peer.name) else { return nil }
                return Refusal(status: 403, code: 7, detail: "The certificate of \(peer.name) is revoked.")
            },
            allowsAnonymous: { tls == nil || $0 == "/v1/enrol" })
        var settings = HTTPSServer.Settings(host: "127.0.0.1", port: port, tls: tls, audience: audience)
        settings.limits = limits
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = try HTTPSServer(
            settings, routes: routes, policy: policy, audit: { audited.append($0) },
            onListening: { continuation.yield($0) })
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await server.run()
                return nil
            }
            for await port in ports {
                group.addTask {
                    try await body(TestServer(port: port, audited: audited, revoked: revoked, server: server))
                }
                break
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}

/// Authorities and certificates that many tests share, since keys take time.
struct TestPKI: Sendable {
    let authority: TestAuthority
    let serverLeaf: TestAuthority.Leaf
    let alice: TestAuthority.Leaf

    static let shared = Swift.Result { try TestPKI() }

    private init() throws {
        authority = try TestAuthority()
        serverLeaf = try authority.leaf("localhost", .server)
        alice = try authority.leaf("alice", .client)
    }

    var serverTLS: HTTPSServer.TLS {
        get throws { try .init(identity: serverLeaf.identity(), clientRoots: authority.roots()) }
    }

    func clientSettings(_ leaf: TestAuthority.Leaf?) throws -> HTTPSClient.Settings {
        var settings = HTTPSClient.Settings(identity: try leaf?.identity(), roots: try authority.roots())
        settings.retry = .never
        return settings
    }
}

/// A client for the time of a closure.
func withClient<Result>(
    _ server: ServerAddress, _ settings: HTTPSClient.Settings, meter: @escaping @Sendable (Traffic) -> Void = { _ in },
    _ body: (HTTPSClient) async throws -> Result
) async throws -> Result {
    let client = try HTTPSClient(server: server, settings: settings, meter: meter)
    do {
        let result = try await body(client)
        try await client.close()
        return result
    } catch {
        try await client.close()
        throw error
    }
}

extension HTTPSClient {
    func echo(_ message: [UInt8] = [1, 2, 3], path: String = "/v1/fleet/push-object", retry: RetryPolicy? = nil)
        async throws -> String
    {
        String(decoding: try await post(path, message, answerUpTo: 4096, retry: retry), as: UTF8.self)
    }
}

/// Bytes of a seed.
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix(state: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Records an error that is not the expected one.
func unexpected(_ error: TransportError?, _ location: SourceLocation = #_sourceLocation) {
    Issue.record("unexpected: \(error.map { "\($0)" } ?? "no error")", sourceLocation: location)
}
