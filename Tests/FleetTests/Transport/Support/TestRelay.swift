import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// Stands between client and server: passes bytes on, cuts connections, or is a proxy that wants CONNECT.
struct TestRelay: Sendable {
    enum Kind: Sendable {
        /// Passes on to a port; each connection is cut after as many bytes, both ways together, as the closure says.
        case cutting(to: Int, after: @Sendable (_ connection: Int) -> Int?)
        /// Wants this `proxy-authorization`, passes on to any port of this machine.
        case proxy(authorization: String?)
        /// Answers every CONNECT with this status.
        case refusing(status: String)
    }

    let port: Int
    let requests: TestServer.Log<String>

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    static func run<Result: Sendable>(_ kind: Kind, _ body: (TestRelay) async throws -> Result) async throws -> Result {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
            }
        let relay = TestRelay(port: listener.channel.localAddress!.port!, requests: .init())
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withThrowingDiscardingTaskGroup { connections in
                    try await listener.executeThenClose { inbound in
                        var count = 0
                        for try await connection in inbound {
                            count += 1
                            let number = count
                            connections.addTask { try? await relay.serve(connection, kind, number) }
                        }
                    }
                }
            }
            defer { group.cancelAll() }
            return try await body(relay)
        }
    }

    private func serve(_ connection: Connection, _ kind: Kind, _ number: Int) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var iterator = inbound.makeAsyncIterator()
            var target = 0
            var budget: Int?
            switch kind {
            case .cutting(let port, let after):
                target = port
                budget = after(number)
            case .proxy, .refusing:
                var head = ""
                while !head.contains("\r\n\r\n"), let part = try await iterator.next() { head += String(buffer: part) }
                requests.append(head)
                if case .refusing(let status) = kind {
                    return try await outbound.write(
                        ByteBuffer(string: "HTTP/1.1 \(status)\r\ncontent-length: 0\r\n\r\n"))
                }
                if case .proxy(let wanted?) = kind, !head.contains("Basic \(wanted)\r\n") {
                    return try await outbound.write(
                        ByteBuffer(
                            string: "HTTP/1.1 407 Proxy Authentication Required\r\n"
                                + "proxy-authenticate: Basic realm=\"test\"\r\ncontent-length: 0\r\n\r\n"))
                }
                target = Int(head.split(separator: " ")[1].split(separator: ":")[1])!
                try await outbound.write(ByteBuffer(string: "HTTP/1.1 200 Connection established\r\n\r\n"))
            }
            let upstream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: target) { channel in
                    channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
                }
            let left = Mutex(budget)
            // Takes from the budget; nil when it is spent.
            let allow: @Sendable (ByteBuffer) -> ByteBuffer? = { bytes in
                left.withLock { left in
                    guard let count = left else { return bytes }
                    left = max(0, count - bytes.readableBytes)
                    return count == 0
                        ? nil : bytes.getSlice(at: bytes.readerIndex, length: min(count, bytes.readableBytes))
                }
            }
            try await upstream.executeThenClose { upInbound, upOutbound in
                let close: @Sendable () -> Void = {
                    connection.channel.close(promise: nil)
                    upstream.channel.close(promise: nil)
                }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        defer { close() }
                        do {
                            for try await bytes in upInbound {
                                guard let part = allow(bytes) else { return }
                                try await outbound.write(part)
                            }
                        } catch {}
                    }
                    do {
                        while let bytes = try await iterator.next(), let part = allow(bytes) {
                            try await upOutbound.write(part)
                        }
                    } catch {}
                    close()
                }
            }
        }
    }
}
