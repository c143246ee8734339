/// A node as the server sees it.
public struct FleetNode: Sendable, Equatable, Identifiable {
    /// Flower's states of a node.
    public enum Status: String, Sendable {
        case registered, online, offline, unregistered
    }

    public var id: UInt64
    /// The certificate's name, or what the administrator called the key.
    public var name: SiteName
    /// Whether it came with a signing key, as Flower's nodes do, rather than with a certificate.
    public var hasKey: Bool
    public var status: Status
    /// Seconds between its signs of life.
    public var heartbeatInterval: Double
    /// Until when it counts as online without another sign, in seconds since 1970.
    public var onlineUntil: Double

    /// Flower's limits of the interval, in seconds.
    public static let intervals = 10.0...1800.0
    /// A node is offline after so many intervals of silence.
    static let patience = 2.0
}
