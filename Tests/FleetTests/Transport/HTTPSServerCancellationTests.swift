import Fleet
import Foundation
import Testing

/// Servers that end while callers are still coming in: connections that are accepted, and not served yet, are closed and
/// forgotten. (An asynchronous channel of SwiftNIO that is dropped unused would end the program.)
@Suite(.serialized) struct HTTPSServerCancellationTests {
    private let pki: TestPKI

    init() throws { pki = try TestPKI.shared.get() }

    @Test(arguments: [false, true]) func cancelledWhileConnectionsOpen(encrypted: Bool) async throws {
        let policy = AccessPolicy(
            identify: { try Peer(certificate: $0) }, refusal: { _ in nil }, allowsAnonymous: { _ in true })
        let tls = encrypted ? try pki.serverTLS : nil
        var opened = 0
        for round in 0..<60 {
            let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
            let server = try HTTPSServer(
                .init(host: "127.0.0.1", port: 0, tls: tls, audience: .sites), routes: TestServer.standardRoutes,
                policy: policy, audit: { _ in }, onListening: { continuation.yield($0) })
            let serving = Task {
                defer { continuation.finish() }
                try await server.run()
            }
            var port = 0
            for await next in ports {
                port = next
                break
            }
            let gone = TestServer.Log<Bool>()
            opened += try await withThrowingTaskGroup(of: Int.self) { [port] group in
                for _ in 0..<4 {
                    group.addTask { try await blocking { Self.knock(port, until: gone) } }
                }
                try await Task.sleep(for: .microseconds(500 * (1 + round % 10)))
                serving.cancel()
                _ = await serving.result
                gone.append(true)
                return try await group.reduce(0, +)
            }
        }
        #expect(opened > 500, "\(opened) connections were opened")
    }

    /// Opens connections that say nothing, or begin a call, until the server is gone.
    private static func knock(_ port: Int, until gone: TestServer.Log<Bool>) -> Int {
        var sockets: [RawSocket] = []
        while gone.all.isEmpty, sockets.count < 50, let socket = try? RawSocket(port: port, timeout: 1) {
            if sockets.count % 2 == 0 { socket.send("POST /v1/enrol HTTP/1.1\r\n") }
            sockets.append(socket)
        }
        return sockets.count
    }
}
