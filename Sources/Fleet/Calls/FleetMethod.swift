/// Flower's twelve calls of the Fleet protocol; raw values are the last part of their paths.
public enum FleetMethod: String, Sendable, CaseIterable {
    case registerNode = "register-node"
    case activateNode = "activate-node"
    case deactivateNode = "deactivate-node"
    case unregisterNode = "unregister-node"
    case sendNodeHeartbeat = "send-node-heartbeat"
    case pullMessages = "pull-messages"
    case pushMessages = "push-messages"
    case getRun = "get-run"
    case getFAB = "get-fab"
    case pushObject = "push-object"
    case pullObject = "pull-object"
    case confirmMessageReceived = "confirm-message-received"

    public var path: String { "/v1/fleet/" + rawValue }

    /// Nil for any other path.
    public init?(path: some StringProtocol) {
        guard path.hasPrefix("/v1/fleet/") else { return nil }
        self.init(rawValue: String(path.dropFirst("/v1/fleet/".count)))
    }

    /// The longest body of a call: refuse more before it is taken.
    public var longestRequest: Int {
        switch self {
        case .pushMessages: 16 << 20  // A tree of 100,000 objects.
        case .pushObject: PushObjectRequest.longest
        default: 64 << 10
        }
    }
}
