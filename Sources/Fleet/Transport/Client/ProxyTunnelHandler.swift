import NIOCore
import NIOSSL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Asks a proxy for a tunnel, then lets TLS begin in it.
final class ProxyTunnelHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: String
    private let makeTLS: () throws -> NIOSSLClientHandler
    private var answer = ByteBuffer()

    init(server: ServerAddress, proxy: Proxy, then makeTLS: @escaping () throws -> NIOSSLClientHandler) {
        let target = server.description.dropFirst(server.scheme.rawValue.count + 3)
        var request = "CONNECT \(target) HTTP/1.1\r\nhost: \(target)\r\n"
        if let credentials = proxy.credentials {
            let basic = Data("\(credentials.name):\(credentials.password)".utf8).base64EncodedString()
            request += "proxy-authorization: Basic \(basic)\r\n"
        }
        self.request = request + "\r\n"
        self.makeTLS = makeTLS
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        answer.writeBuffer(&bytes)
        let text = String(buffer: answer)
        guard text.contains("\r\n\r\n") else {
            if answer.readableBytes > 16 * 1024 { context.close(promise: nil) }
            return
        }
        let status = text.split(separator: " ").dropFirst().first
        guard status?.first == "2", let handler = try? makeTLS() else { return context.close(promise: nil) }
        do {
            // A server waits for the client's first word, so nothing of TLS is in `answer`.
            try context.pipeline.syncOperations.addHandler(handler, position: .after(self))
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }
}
