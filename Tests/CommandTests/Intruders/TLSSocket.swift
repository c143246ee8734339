import Fleet
import NIOCore
import NIOPosix
import NIOSSL
import Provisioning
import Synchronization

/// A connection that sends what it is told, well-formed or not, through TLS or in the place of it.
final class TLSSocket: Sendable {
    private let channel: any Channel
    private let state = Mutex(State())

    private struct State {
        var received: [UInt8] = []
        var isClosed = false
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let socket: TLSSocket

        init(_ socket: TLSSocket) { self.socket = socket }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(buffer: unwrapInboundIn(data))
            socket.state.withLock { if $0.received.count < 1 << 20 { $0.received += bytes } }
        }

        func channelInactive(context: ChannelHandlerContext) { socket.state.withLock { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// - Parameters:
    ///   - identity: the kit whose certificate is shown; nil for none.
    ///   - roots: nil for plain TCP.
    init(port: Int, identity: Kit? = nil, roots: Authority?) async throws {
        var context: NIOSSLContext?
        if let roots {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(roots.pem.utf8)))
            if let identity {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(
                    Array(identity.certificateChain().pem.utf8)
                ).map { .certificate($0) }
                configuration.privateKey = .privateKey(
                    try NIOSSLPrivateKey(bytes: Array(identity.privateKey().pem().utf8), format: .pem))
            }
            context = try NIOSSLContext(configuration: configuration)
        }
        let tls = context
        channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let tls else { return }
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: tls, serverHostname: nil))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.eventLoop.submit { [self] in
            try self.channel.pipeline.syncOperations.addHandler(Collector(self))
            if !self.channel.isActive { self.state.withLock { $0.isClosed = true } }
        }.get()
    }

    deinit { channel.close(promise: nil) }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// - Returns: whether all of it went, as far as this machine knows.
    @discardableResult
    func send(_ bytes: [UInt8]) async -> Bool {
        do {
            try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
            return true
        } catch { return false }
    }

    @discardableResult
    func send(_ text: String) async -> Bool { await send(Array(text.utf8)) }

    /// What has come since the last time: up to the end of an answer's head and `more`, the connection's end, or the limit.
    func receive(until mark: String = "\r\n\r\n", within seconds: Double = 10) async throws -> String {
        for _ in 0..<Int(seconds * 100) {
            let (text, isClosed) = state.withLock { (String(decoding: $0.received, as: UTF8.self), $0.isClosed) }
            if text.contains(mark) || isClosed { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        return state.withLock { state in
            defer { state.received = [] }
            return String(decoding: state.received, as: UTF8.self)
        }
    }

    func close() async { try? await channel.close() }
}
