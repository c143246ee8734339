#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A call or a connection that the server refused, for the audit log.
public struct AuditEvent: Sendable, Equatable {
    public var time: Date
    /// The site's name, where a certificate of this federation was shown.
    public var peer: String?
    /// The address it came from, without the port.
    public var address: String
    /// The path that was asked for, as text that a log may hold; nil where it never came to one.
    public var route: String?
    /// The HTTP status of the answer; nil where none could be given, as in a failed handshake.
    public var status: Int?
    public var reason: String

    public init(time: Date, peer: String?, address: String, route: String?, status: Int?, reason: String) {
        self.time = time
        self.peer = peer
        self.address = address
        self.route = route
        self.status = status
        self.reason = reason
    }
}
