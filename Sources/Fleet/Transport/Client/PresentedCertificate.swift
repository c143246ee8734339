import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// The certificate that answers at a server's address, whoever made it: to tell an inspected connection from an expired
/// certificate. Nothing is sent to it.
public struct PresentedCertificate: Sendable, Equatable {
    /// Common and alternative names of the leaf, then of the certificates sent with it.
    public var names: [String]
    public var notBefore: Date
    public var notAfter: Date
    /// In DER, the leaf first.
    public var certificates: [[UInt8]]

    /// - Throws: `TransportError`, where not even a handshake begins.
    public static func fetch(from server: ServerAddress, through proxy: Proxy?, timeout: Duration) async throws
        -> PresentedCertificate
    {
        let result = Captured()
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            let context = try NIOSSLContext(configuration: configuration)
            let name = (try? SocketAddress(ipAddress: server.host, port: 0)) == nil ? server.host : nil
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(TimeAmount(timeout))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let makeTLS = {
                            try NIOSSLClientHandler(context: context, serverHostname: name) {
                                (chain: [NIOSSLCertificate], promise: EventLoopPromise<NIOSSLVerificationResult>) in
                                result.chain = chain
                                promise.succeed(.failed)  // the certificate was all that was wanted
                            }
                        }
                        let pipeline = channel.pipeline.syncOperations
                        if let proxy {
                            try pipeline.addHandler(ProxyTunnelHandler(server: server, proxy: proxy, then: makeTLS))
                        } else {
                            try pipeline.addHandler(makeTLS())
                        }
                    }
                }
                .connect(host: proxy?.host ?? server.host, port: proxy?.port ?? server.port).get()
            let end = channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) { channel.close(promise: nil) }
            try await channel.closeFuture.get()
            end.cancel()
        } catch {
            throw TransportError(reaching: server, through: proxy, error: error)
        }
        guard let certificate = PresentedCertificate(chain: result.chain) else {
            throw TransportError.handshake(host: server.host, reason: "it shows no certificate")
        }
        return certificate
    }

    private final class Captured: Sendable {
        private let content = Mutex<[NIOSSLCertificate]>([])
        var chain: [NIOSSLCertificate] {
            get { content.withLock { $0 } }
            set { content.withLock { $0 = newValue } }
        }
    }

    init?(chain: [NIOSSLCertificate]) {
        guard let leaf = chain.first else { return nil }
        certificates = chain.compactMap { try? $0.toDERBytes() }
        notBefore = Date(timeIntervalSince1970: Double(leaf.notValidBefore))
        notAfter = Date(timeIntervalSince1970: Double(leaf.notValidAfter))
        // NIOSSL tells names in its description alone: <…;common_name=…;alternative_names=…>.
        names = chain.flatMap { certificate in
            "\(certificate)".dropLast().split(separator: ";").compactMap { field in
                ["common_name=", "alternative_names="].first { field.hasPrefix($0) }
                    .map { printable(String(field.dropFirst($0.count)), upTo: 200) }
            }
        }
    }
}

extension TransportError {
    /// The same, with what the server showed.
    func explained(by certificate: PresentedCertificate, host: String) -> TransportError {
        let names = certificate.names.joined(separator: ", ")
        switch self {
        case .wrongServerName: return .wrongServerName(host: host, shown: names)
        case .unknownAuthority:
            let now = Date()
            if certificate.notAfter < now {
                return .serverCertificateExpired(host: host, notAfter: certificate.notAfter)
            }
            if certificate.notBefore > now {
                return .serverCertificateNotYetValid(host: host, notBefore: certificate.notBefore)
            }
            return .unknownAuthority(host: host, shown: names)
        default: return self
        }
    }
}
