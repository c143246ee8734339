import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

/// Serves the connections of a port: TLS, HTTP/1.1, the peer's identity, one request after the other.
struct ServerConnection: ServerChildChannel {
    typealias Value = AcceptedConnection

    let tls: TLSContext?
    let limits: ServerLimits
    let addresses: AddressCount
    let responder: Responder

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let address = channel.remoteAddress?.ipAddress ?? "?"
            guard addresses.enter(address, limit: limits.connectionsPerAddress) else {
                responder.report(address: address, reason: "too many connections from this address")
                channel.close(promise: nil)
                throw ChannelError.ioOnClosedChannel
            }
            channel.closeFuture.whenComplete { _ in addresses.leave(address) }

            let pipeline = channel.pipeline.syncOperations
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.current)) }
            var decoding = NIOHTTPDecoderLimitConfiguration()
            decoding.maxHeaderFieldSize = limits.headBytes
            decoding.maxHeaderListSize = limits.headBytes
            decoding.maxHeaderFieldCount = limits.headFields
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false,  // requests are answered in order, by one task
                withErrorHandling: false,
                withOutboundHeaderValidation: true,
                withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: decoding)
            try pipeline.addHandler(DeadlineHandler(limits))
            return try AcceptedConnection(channel, address: address)
        }
    }

    func handle(value connection: Value, logger: Logger) async {
        let channel = connection.channel
        await withTaskCancellationHandler {
            do {
                // Nothing may come between these two: a stream that is not closed by its scope ends the program.
                try await connection.opened().executeThenClose { inbound, outbound in
                    let reader = RequestReader(inbound.makeAsyncIterator())
                    if await serve(reader, outbound, channel: channel, address: connection.address) == .linger {
                        // Closing at once with bytes unread would reset the connection, and the answer be lost.
                        outbound.finish()
                        let end = channel.eventLoop.scheduleTask(in: TimeAmount(limits.linger)) {
                            channel.close(promise: nil)
                        }
                        await reader.discard(upTo: limits.lingerBytes)
                        end.cancel()
                    }
                }
            } catch {
                reportHandshake(error, address: connection.address)
                logger.trace("connection closed", metadata: ["error": "\(error)"])
            }
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    private enum Ending { case close, linger }

    private func serve(
        _ reader: RequestReader, _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>,
        channel: any Channel, address: String
    ) async -> Ending {
        var caller: Responder.Caller?
        do {
            while let head = try await reader.nextHead() {
                if caller == nil {
                    let certificate = try? await channel.nioSSL_peerCertificate().get()?.toDERBytes()
                    caller = responder.caller(certificate: certificate, address: address)
                }
                let writer = ResponseWriter(channel: channel, outbound: outbound, head: head)
                switch await responder.respond(to: head, from: caller!, reader: reader, writer: writer) {
                case .keepAlive: continue
                case .close: return .linger
                case .abort:
                    channel.close(promise: nil)
                    return .close
                }
            }
            return .close
        } catch let error as HTTPParserError {
            let status: HTTPResponseStatus =
                error == .headerOverflow ? .requestHeaderFieldsTooLarge : .badRequest
            responder.report(
                caller, address: address, status: Int(status.code), reason: "not a request in HTTP/1.1: \(error)")
            let head = HTTPResponseHead(
                version: .http1_1, status: status, headers: ["connection": "close", "content-length": "0"])
            try? await outbound.write(contentsOf: [.head(head), .end(nil)])
            return .linger
        } catch TransportError.slowBody {
            responder.report(caller, address: address, reason: "no request came within the time for one")
            return .close
        } catch {
            reportHandshake(error, address: address)
            return .close
        }
    }

    private func reportHandshake(_ error: any Error, address: String) {
        guard case NIOSSLError.handshakeFailed(let reason) = error else { return }
        responder.report(address: address, reason: "TLS handshake failed: \(printable("\(reason)", upTo: 300))")
    }
}
