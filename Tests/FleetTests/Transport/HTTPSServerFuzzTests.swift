import Fleet
import Foundation
import Testing

/// 10,000 requests that no client would send; the server serves on, and its memory is flat.
@Suite(.serialized) struct HTTPSServerFuzzTests {
    @Test func tenThousandRequestsAtTheSocket() async throws {
        try await TestServer.run(tls: nil) { server in
            let answers = try await withThrowingTaskGroup(of: [String: Int].self) { group in
                for worker in 0..<4 {
                    group.addTask {
                        try await blocking {
                            var random = SplitMix(state: UInt64(worker) + 1)
                            var answers: [String: Int] = [:]
                            for _ in 0..<2500 {
                                let socket = try RawSocket(port: server.port, timeout: 5)
                                socket.send(Self.request(&random))
                                socket.finish()
                                answers[String(socket.receive().prefix(12)), default: 0] += 1
                            }
                            return answers
                        }
                    }
                }
                return try await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            }
            print("fuzzed requests by answer:", answers.sorted { $0.value > $1.value })
            #expect(answers.values.reduce(0, +) == 10_000)
            // Of faults, none is the server's own.
            #expect(answers["HTTP/1.1 500"] == nil)
            #expect(answers["HTTP/1.1 400", default: 0] > 1000 && answers["HTTP/1.1 404", default: 0] > 100)
            try await withClient(server.address("http"), HTTPSClient.Settings(roots: nil)) { client in
                let answer = try await client.echo([5, 6])
                #expect(answer == TestServer.expectedEcho("nobody", [5, 6]))
            }
        }
    }

    @Test func randomBytesInPlaceOfTLS() async throws {
        let pki = try TestPKI.shared.get()
        try await TestServer.run(tls: pki.serverTLS) { server in
            try await blocking {
                var random = SplitMix(state: 9)
                for _ in 0..<1000 {
                    let socket = try RawSocket(port: server.port, timeout: 5)
                    // Half of them begin like a handshake.
                    let begin: [UInt8] = Bool.random(using: &random) ? [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3] : []
                    let count = Int.random(in: 1..<1000, using: &random)
                    socket.send(begin + (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) })
                    socket.finish()
                    _ = socket.receive()
                }
            }
            #expect(server.audited.all.filter { $0.reason.hasPrefix("TLS handshake failed") }.count > 500)
            try await withClient(server.address(), pki.clientSettings(pki.alice)) { client in
                let answer = try await client.echo()
                #expect(answer == TestServer.expectedEcho("alice", [1, 2, 3]))
            }
        }
    }

    private static func request(_ random: inout SplitMix) -> [UInt8] {
        let good = "POST /v1/fleet/push-object HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n0123456789"
        var bytes = Array(good.utf8)
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            return (0..<Int.random(in: 1..<2000, using: &random)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        case 1:  // some bytes changed
            for _ in 0..<Int.random(in: 1..<8, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8(truncatingIfNeeded: random.next())
            }
        case 2: bytes = Array(bytes.prefix(Int.random(in: 1..<bytes.count, using: &random)))
        case 3:  // two of a kind, and other lengths than are sent
            let lengths = ["-1", "99999999999999999999", "0x10", "10, 11", "+5", "", "10\r\ncontent-length: 11"]
            bytes = Array(good.replacing("length: 10", with: "length: " + lengths.randomElement(using: &random)!).utf8)
        case 4:  // smuggling
            bytes = Array(good.replacing("host: x", with: "host: x\r\ntransfer-encoding: chunked").utf8)
        case 5:
            let chunks = ["ffffffffffffffff\r\n", "-1\r\n", "g\r\n", "5\r\nab\r\n", "1;x=\"\r\na\r\n0\r\n\r\n"]
            bytes = Array(
                "POST /v1/enrol HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\(chunks.randomElement(using: &random)!)"
                    .utf8)
        case 6:
            let long = String(repeating: "a", count: Int.random(in: 10_000..<200_000, using: &random))
            bytes = Array(
                (Bool.random(using: &random) ? "GET /\(long) HTTP/1.1\r\n\r\n" : "GET / HTTP/1.1\r\nx: \(long)\r\n\r\n")
                    .utf8)
        default:
            let paths = [
                "/../../etc/passwd", "/v1/fleet/..%2f", "*", "/\u{0}", "/v1/enrol?a=%00", "//", "/v1/control/x",
            ]
            let methods = ["GET", "POST", "CONNECT", "PRI", "DELETE", "FOO"]
            let versions = ["1.0", "1.1", "2.0", "0.9"]
            bytes = Array(
                ("\(methods.randomElement(using: &random)!) \(paths.randomElement(using: &random)!) "
                    + "HTTP/\(versions.randomElement(using: &random)!)\r\nhost: x\r\nupgrade: h2c\r\n\r\n").utf8)
        }
        return bytes
    }
}
