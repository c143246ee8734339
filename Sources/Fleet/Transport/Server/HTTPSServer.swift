public import Logging
import HummingbirdCore
import NIOCore
import NIOPosix

/// A port that answers calls over HTTPS (HTTP/1.1, TLS 1.3, client certificates where callers have them).
///
/// Its life is `run()`; cancelling that closes every connection at once, `shutdown()` lets calls in progress end.
public struct HTTPSServer: Sendable {
    public struct Settings: Sendable {
        /// A name or an address of this machine; 0.0.0.0 for all.
        public var host: String
        /// 0 for any free one.
        public var port: Int
        /// Nil for plain HTTP, on the loopback address alone.
        public var tls: TLS?
        public var audience: Audience
        public var limits = ServerLimits()

        public init(host: String, port: Int, tls: TLS?, audience: Audience) {
            self.host = host
            self.port = port
            self.tls = tls
            self.audience = audience
        }
    }

    public struct TLS: Sendable {
        public var identity: TLSIdentity
        /// Authorities whose clients are let in.
        public var clientRoots: TLSRoots

        public init(identity: TLSIdentity, clientRoots: TLSRoots) {
            self.identity = identity
            self.clientRoots = clientRoots
        }
    }

    private let server: Server<ServerConnection>
    private let context: TLSContext?

    /// - Parameters:
    ///   - audit: told of every refusal: by this server itself, and by handlers in `Response.audited`.
    ///   - onListening: with the port, once it is open.
    public init(
        _ settings: Settings, routes: [Route], policy: AccessPolicy,
        audit: @escaping @Sendable (AuditEvent) -> Void,
        logger: Logger = Logger(label: "cohort.fleet", factory: { _ in SwiftLogNoOpLogHandler() }),
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) throws {
        if settings.tls == nil, !isLoopback(settings.host) { throw TransportError.plainHTTP(settings.host) }
        context = try settings.tls.map { try TLSContext($0.identity, clientRoots: $0.clientRoots) }
        let limits = settings.limits
        let connection = ServerConnection(
            tls: context, limits: limits, addresses: AddressCount(),
            responder: Responder(
                routes: try RouteTable(routes, for: settings.audience), policy: policy, limits: limits,
                audit: audit, logger: logger))
        server = Server(
            childChannelSetup: connection,
            configuration: ServerConfiguration(
                // A name could mean another address elsewhere; this one cannot.
                address: .hostname(settings.host == "localhost" ? "127.0.0.1" : settings.host, port: settings.port),
                availableConnectionsDelegate: .maximum(limits.connections, logger: logger)),
            onServerRunning: { await onListening($0.localAddress?.port ?? settings.port) },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }

    /// Serves until the task is cancelled or `shutdown()` is done.
    public func run() async throws {
        do {
            try await server.run()
        } catch let error as IOError {
            throw TransportError.address("The server cannot listen on its port: \(error).")
        }
    }

    /// Takes no new connections, and returns when the calls in progress have been answered.
    public func shutdown() async throws { try await server.shutdownGracefully() }

    /// New connections get a renewed certificate, or renewed roots; open ones go on.
    public func replace(_ tls: TLS) throws {
        guard let context else { throw TransportError.certificate("This port is without TLS, and has none to renew.") }
        try context.replace(tls.identity, clientRoots: tls.clientRoots)
    }
}

/// 127.0.0.0/8, ::1 and localhost.
func isLoopback(_ host: String) -> Bool {
    if host == "localhost" { return true }
    guard let address = try? SocketAddress(ipAddress: host, port: 0) else { return false }
    switch address {
    case .v4: return host.hasPrefix("127.")
    case .v6: return address.ipAddress == "::1"
    case .unixDomainSocket: return false
    }
}
