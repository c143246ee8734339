import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension TransportError {
    /// An error of the libraries below, by its cause.
    init(reaching server: ServerAddress, through proxy: Proxy?, error: any Error) {
        let (host, port) = proxy.map { ($0.host, $0.port) } ?? (server.host, server.port)
        switch error {
        case let error as TransportError: self = error
        case let error as HTTPClientError: self = Self.cause(error, server: server, proxy: proxy)
        case let error as NIOConnectionError:
            guard let failure = error.connectionErrors.first else {
                self = .unresolved(host: host)
                return
            }
            self.init(reaching: server, through: proxy, error: failure.error)
        case let error as IOError:
            switch error.errnoCode {
            case ECONNREFUSED: self = .refused(host: host, port: port)
            case ENETUNREACH, EHOSTUNREACH, EACCES, EPERM, EADDRNOTAVAIL:
                self = .unreachable(host: host, port: port, reason: String(cString: strerror(error.errnoCode)))
            case ETIMEDOUT: self = .timedOut(during: "connecting", host: host)
            default: self = .cut(String(cString: strerror(error.errnoCode)))
            }
        case ChannelError.connectTimeout: self = .timedOut(during: "connecting", host: host)
        case SocketAddressError.unknown: self = .unresolved(host: host)
        case NIOSSLError.handshakeFailed(let reason): self = Self.handshakeCause("\(reason)", host: server.host)
        case let error as BoringSSLError: self = Self.handshakeCause("\(error)", host: server.host)
        case NIOSSLError.uncleanShutdown: self = .cut("it ended without a farewell")
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            self = .wrongServerName(host: server.host, shown: nil)
        case HTTPParserError.invalidEOFState: self = .cut("the answer ended early")
        case is HTTPParserError: self = .notHTTP(server.host)
        default: self = .cut(printable("\(error)", upTo: 300))
        }
    }

    private static func cause(_ error: HTTPClientError, server: ServerAddress, proxy: Proxy?) -> TransportError {
        let proxyName = proxy?.host ?? server.host
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout, .deadlineExceeded:
            return .timedOut(during: "connecting", host: proxyName)
        case .tlsHandshakeTimeout: return .timedOut(during: "TLS handshake", host: server.host)
        case .readTimeout: return .timedOut(during: "waiting for the answer", host: server.host)
        case .writeTimeout: return .timedOut(during: "sending", host: server.host)
        case .httpProxyHandshakeTimeout: return .timedOut(during: "asking the proxy", host: proxyName)
        case .proxyAuthenticationRequired:
            return .proxy(
                "The proxy \(proxyName) wants credentials"
                    + (proxy?.credentials == nil ? "" : " other than those given")
                    + ". Set HTTPS_PROXY=http://name:password@host:port, percent-encoded.")
        case .invalidProxyResponse:
            return .proxy(
                "The proxy \(proxyName) does not let calls through to \(server.host), port \(server.port). Ask for "
                    + "CONNECT to be allowed there.")
        default: return .cut(printable("\(error)", upTo: 300))
        }
    }

    /// From BoringSSL's error, whose text names the alert that the other end sent.
    private static func handshakeCause(_ text: String, host: String) -> TransportError {
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return .unknownAuthority(host: host, shown: nil) }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return .handshake(host: host, reason: "what answers there does not speak TLS")
        }
        if text.contains("UNSUPPORTED_PROTOCOL") || text.contains("PROTOCOL_VERSION") {
            return .handshake(host: host, reason: "it does not speak TLS 1.3, or something between changes it")
        }
        let alerts = [
            "UNKNOWN_CA", "CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED", "UNSUPPORTED_CERTIFICATE", "BAD_CERTIFICATE",
            "CERTIFICATE_UNKNOWN", "CERTIFICATE_REQUIRED", "ACCESS_DENIED", "DECRYPT_ERROR",
        ]
        if text.contains("ALERT"), let alert = alerts.first(where: { text.contains("ALERT_\($0)") }) {
            return .certificateRefused(alert: alert.lowercased())
        }
        if text.contains("EOF during handshake") { return .cut("it ended within the TLS handshake") }
        return .handshake(host: host, reason: printable(text, upTo: 300))
    }

    var isAboutServerCertificate: Bool {
        switch self {
        case .unknownAuthority, .wrongServerName: true
        default: false
        }
    }
}
