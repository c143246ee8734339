import Fleet
import Foundation
import Provisioning
import Testing

extension Siege {
    /// Declared at once, or chunk after chunk without an end: taken in as far as the socket and the linger go.
    func tenGigabytes() async throws {
        let member = try kit("mallory")
        let piece = [UInt8](repeating: 7, count: 1 << 20)
        let chunk = Array("100000\r\n".utf8) + piece + Array("\r\n".utf8)
        let cases: [(path: String, identity: Kit?, chunked: Bool, limit: Int)] = [
            ("/v1/fleet/push-object", member, false, 40), ("/v1/fleet/push-object", member, true, 40),
            ("/v1/fleet/push-messages", member, true, 40), ("/v1/fleet/pull-messages", member, true, 40),
            ("/v1/fleet/push-object", nil, false, 40), ("/v1/enrol", nil, false, 40), ("/v1/enrol", nil, true, 40),
        ]
        for (path, identity, chunked, limit) in cases {
            let resident = try memory("VmRSS")
            let socket = try await TLSSocket(port: ports.sites, identity: identity, roots: authority)
            let length = chunked ? "transfer-encoding: chunked" : "content-length: 10000000000"
            await socket.send("POST \(path) HTTP/1.1\r\nhost: x\r\n\(length)\r\n\r\n")
            var sent = 0
            while sent < 1000, await socket.send(chunked ? chunk : piece) { sent += 1 }
            #expect(sent < limit, "\(path), chunked \(chunked): \(sent) MiB were taken")
            let answer = try await socket.receive()
            let expected = identity == nil && path != "/v1/enrol" ? [401] : [413, 400]
            // So much is unread that a reset may overtake the answer.
            #expect(
                answer.isEmpty || expected.contains { answer.hasPrefix("HTTP/1.1 \($0)") },
                "\(path): \(answer.prefix(200))")
            try await expectAudit("10 GB at \(path)") { line in
                line.route == path && expected.contains { $0 == line.status } && line.peer == identity?.settings.name
            }
            await socket.close()
            let grown = try memory("VmRSS") - resident
            #expect(grown < 64 << 20, "\(path), chunked \(chunked): \(grown >> 20) MiB more")
        }
    }

    /// Messages as they never were meant to be, from a member and from strangers.
    func fuzz() async throws {
        var random = SeededNumbers(20_261_121)
        let member = try kit("mallory")
        let client = try client(member)
        let own = try await FleetClient(client).activate(heartbeat: 30)
        let none = ObjectID(String(repeating: "0", count: 63) + "a")!
        let seeds: [FleetCall] = [
            .registerNode(publicKey: [1, 2]), .activateNode(publicKey: [1], heartbeatInterval: 30),
            .sendNodeHeartbeat(own, interval: 30), .pullMessages(own), .getRun(own, runID: 1),
            .getFAB(own, hash: "ab", runID: 1), .pullObject(own, none, runID: 1),
            .confirmMessageReceived(own, none, runID: 1), .deactivateNode(own),
        ]
        let bodies = try seeds.map { ($0.method, try $0.body) }
        var answers: [Int: Int] = [:]
        for _ in 0..<3000 {
            var (method, body) = bodies.randomElement(using: &random)!
            if Int.random(in: 0..<10, using: &random) == 0 {
                method = FleetMethod.allCases.randomElement(using: &random)!
            }
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let place = Int.random(in: 0...body.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: body.removeSubrange(place...)
                case 1: body.insert(UInt8.random(in: 0...255, using: &random), at: place)
                case 2: if place < body.count { body[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
                default: body.insert(contentsOf: [255, 255, 255, 255, 255, 255, 255, 255, 127], at: place)
                }
            }
            let answer = await Self.call(client, method.path, body)
            answers[answer.status ?? 0, default: 0] += 1
        }
        try await client.close()
        print("fuzzed calls by status:", answers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" })
        #expect(answers.values.reduce(0, +) == 3000)
        #expect(Set(answers.keys).isSubset(of: [200, 400, 401, 403, 404, 412, 413]), "\(answers)")
        #expect(answers[400, default: 0] > 300, "\(answers)")

        // Heads that are none, through TLS and in the place of it.
        for number in 0..<400 {
            let socket = try await TLSSocket(
                port: ports.sites, identity: number % 3 == 0 ? member : nil, roots: number % 4 == 0 ? nil : authority)
            let head = ["", "POST /v1/enrol HTTP/1.1\r\n", "\u{16}\u{3}\u{1}"].randomElement(using: &random)!
            let count = Int.random(in: 1..<2000, using: &random)
            await socket.send(
                Array(head.utf8) + (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                    + Array("\r\n\r\n".utf8))
            await socket.close()
        }
        let welcome = try await call(Self.harmless, as: member)
        #expect(welcome.status == 200, "\(welcome)")
        try await expectAudit("bytes that are no request") { $0.reason.contains("not a request in HTTP/1.1") }
        try await expectAudit("bytes that are no handshake") { $0.reason.contains("TLS handshake failed") }
    }

    // MARK: Slow callers

    struct SlowCaller: Sendable {
        let what: String
        let socket: TLSSocket
        let feeding: Task<Void, Never>?
    }

    /// Callers who say nothing, or one byte a second. What they get is looked at later.
    func slowCallers() async throws -> [SlowCaller] {
        func fed(_ what: String, _ socket: TLSSocket, _ head: String, with byte: String) async -> SlowCaller {
            await socket.send(head)
            return SlowCaller(
                what: what, socket: socket,
                feeding: Task {
                    while !Task.isCancelled, !socket.isClosed, await socket.send(byte) {
                        try? await Task.sleep(for: .seconds(1))
                    }
                })
        }
        let member = try kit("mallory")
        return [
            SlowCaller(what: "silent", socket: try await TLSSocket(port: ports.sites, roots: nil), feeding: nil),
            await fed(
                "handshake", try await TLSSocket(port: ports.sites, roots: nil), "\u{16}\u{3}\u{1}\u{2}\u{0}",
                with: "\u{1}"),
            await fed(
                "head", try await TLSSocket(port: ports.sites, identity: member, roots: authority),
                "POST /v1/enrol HTTP/1.1\r\nx: ", with: "a"),
            await fed(
                "body", try await TLSSocket(port: ports.sites, identity: member, roots: authority),
                "POST /v1/fleet/pull-messages HTTP/1.1\r\nhost: x\r\ncontent-length: 10000\r\n\r\n", with: "a"),
        ]
    }

    /// Within the times of `ServerLimits`, which the server has as they are: 60 s to a head's end, 30 s for a body.
    func expectGone(_ slow: [SlowCaller]) async throws {
        for caller in slow {
            for _ in 0..<900 where !caller.socket.isClosed { try await Task.sleep(for: .milliseconds(100)) }
            #expect(caller.socket.isClosed, "\(caller.what) is still connected")
            if caller.what == "body" {
                let answer = try await caller.socket.receive()
                #expect(answer.hasPrefix("HTTP/1.1 408"), "\(answer)")
            }
            caller.feeding?.cancel()
        }
        try await expectAudit("a slow body") { $0.status == 408 && $0.peer == "mallory" }
        try await expectAudit("a slow head") { $0.reason.contains("no request came") }
    }

    /// The audit log tells of the first of them, and then how many there were.
    func manyRefusals() async throws {
        let before = auditText.utf8.count
        let client = try client(kit("mallory"))
        for _ in 0..<500 { #expect(await Self.call(client, "/v1/fleet/none").status == 404) }
        try await client.close()
        #expect(auditText.utf8.count - before < 64 << 10)
        for _ in 0..<700 where !audit.contains(where: { $0.peer == "mallory" && $0.reason.contains("more refusals") }) {
            try await Task.sleep(for: .milliseconds(100))
        }
        try await expectAudit("a count") { $0.peer == "mallory" && $0.reason.contains("more refusals in a minute") }
    }
}

/// Numbers that follow from a seed.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
