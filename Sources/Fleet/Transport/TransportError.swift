#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// What goes wrong between two ends of the wire: the fact, and the remedy. No secret is in any of them.
public enum TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    // MARK: Settings
    /// A certificate, a key or an authority that cannot be read.
    case certificate(String)
    /// HTTP without TLS at an address that others can reach.
    case plainHTTP(String)
    case address(String)
    case route(String)
    case proxySetting(String)

    // MARK: On the way
    case unresolved(host: String)
    case refused(host: String, port: Int)
    case unreachable(host: String, port: Int, reason: String)
    case timedOut(during: String, host: String)
    case proxy(String)
    /// The connection ended within a call.
    case cut(String)

    // MARK: TLS
    /// The server's certificate is not of the authority that this end trusts; by name, what it showed instead.
    case unknownAuthority(host: String, shown: String?)
    case serverCertificateExpired(host: String, notAfter: Date)
    case serverCertificateNotYetValid(host: String, notBefore: Date)
    case wrongServerName(host: String, shown: String?)
    /// The server refused this end's certificate; its TLS alert.
    case certificateRefused(alert: String)
    case handshake(host: String, reason: String)

    // MARK: The answer
    /// 401 or 403, with the server's reason.
    case denied(Refusal)
    /// Another status than 2xx.
    case answered(Refusal)
    case bodyTooLarge(limit: Int64)
    case slowBody
    case notHTTP(String)

    public var description: String {
        switch self {
        case .certificate(let text), .address(let text), .route(let text), .proxySetting(let text): text
        case .plainHTTP(let host):
            "\(host) is not this machine's loopback address, and without TLS anyone on the way could read the models. "
                + "Use https, or 127.0.0.1."
        case .unresolved(let host):
            "The name \(host) does not resolve. Check its spelling and this machine's DNS; behind a proxy, set "
                + "HTTPS_PROXY."
        case .refused(let host, let port):
            "\(host) refuses connections on port \(port). Is the server running, and is that its port?"
        case .unreachable(let host, let port, let reason):
            "\(host) cannot be reached on port \(port): \(reason). The firewall must let this machine out to it."
        case .timedOut(let phase, let host):
            "\(host) did not answer in time (\(phase)). A firewall that drops packets looks like this, and so does a "
                + "server that is overloaded."
        case .proxy(let text): text
        case .cut(let reason): "The connection was cut within a call: \(reason)."
        case .unknownAuthority(let host, let shown):
            "The certificate of \(host) is not from this federation's authority"
                + (shown.map { "; it shows \($0)" } ?? "")
                + ". If a firewall inspects TLS here, ask for an exception for \(host); else check the address and "
                + "the authority's file."
        case .serverCertificateExpired(let host, let date):
            "The certificate of \(host) ended \(date.formatted(.iso8601)). The server's must be renewed, unless this "
                + "machine's clock is wrong."
        case .serverCertificateNotYetValid(let host, let date):
            "The certificate of \(host) begins \(date.formatted(.iso8601)). Set this machine's clock."
        case .wrongServerName(let host, let shown):
            "The certificate of \(host) is made out to another name"
                + (shown.map { ": it shows \($0)" } ?? "")
                + ". Use the name in the certificate as the server's address."
        case .certificateRefused(let alert): Self.explain(alert: alert)
        case .handshake(let host, let reason): "No TLS connection with \(host): \(reason)."
        case .denied(let refusal), .answered(let refusal):
            "The server answered \(refusal.status): \(refusal.detail)"
        case .bodyTooLarge(let limit): "The message is larger than the \(limit) bytes that are allowed here."
        case .slowBody: "The message came too slowly, and was given up."
        case .notHTTP(let host): "What answers at \(host) does not speak HTTP. Check the address and the port."
        }
    }

    private static func explain(alert: String) -> String {
        let remedy =
            switch alert {
            case "unknown_ca", "decrypt_error":
                "it is not from the server's authority, or was sent without its intermediate. Join this federation "
                    + "anew with an invitation."
            case "certificate_expired":
                "it is expired or not valid yet. Renew it, or set this machine's clock."
            case "certificate_revoked": "it is revoked. Ask the project's administrator."
            case "unsupported_certificate":
                "it is not one for clients. Use the site's certificate, not the server's."
            default: "the server's log has the reason."
            }
        return "The server refuses this machine's certificate (\(alert)): \(remedy)"
    }

    /// Whether the same call may go well a little later.
    public var isTransient: Bool {
        switch self {
        case .unresolved, .refused, .unreachable, .timedOut, .cut, .slowBody: true
        case .answered(let refusal): [408, 502, 503, 504].contains(refusal.status)
        default: false
        }
    }
}
