/// Why a call is refused: HTTP's status and the JSON `{"code": ..., "detail": ...}` of Flower, without what only the
/// server's log may know.
public struct FleetFailure: Error, Sendable, Hashable, CustomStringConvertible {
    public var status: Int
    /// Flower's number; nil where it has none.
    public var code: Int?
    public var detail: String

    public init(status: Int, code: Int? = nil, detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    public var description: String { "\(status)\(code.map { "/\($0)" } ?? "") \(detail)" }

    /// Whether calls end so in the ordinary course of things: a site that is new, a run that has ended, a full disk.
    var isOrdinary: Bool { status == 503 || self == .activation || self == .runStatus }

    /// The body of the answer.
    public var json: [UInt8] {
        Array(("{" + (code.map { "\"code\": \($0), " } ?? "") + "\"detail\": \(JSONText.quoted(detail))}").utf8)
    }
}

extension FleetFailure {
    /// A stock SuperNode ends itself on this.
    static let notAuthenticated = FleetFailure(status: 401, detail: "Invalid SuperNode authentication")
    static let keyInUse = FleetFailure(status: 412, code: 23, detail: "Public key already in use.")
    static let registrationDisabled = FleetFailure(
        status: 412, code: 2001,
        detail: "SuperNode authentication is enabled. All SuperNodes must be registered by the server's administrator.")
    static let unregistrationDisabled = FleetFailure(
        status: 412, code: 2002,
        detail:
            "SuperNode authentication is enabled. All SuperNodes must be unregistered by the server's administrator.")
    static let heartbeatInterval = FleetFailure(status: 400, code: 2003, detail: "Invalid heartbeat interval.")
    static let activation = FleetFailure(status: 412, code: 2004, detail: "Failed to activate SuperNode.")
    static let deactivation = FleetFailure(status: 412, code: 2005, detail: "Failed to deactivate SuperNode.")
    static let unregistration = FleetFailure(status: 412, code: 2006, detail: "Failed to unregister SuperNode.")
    /// A stock SuperNode takes it that the run has ended.
    static let runStatus = FleetFailure(
        status: 403, code: 2007, detail: "The current run status does not allow this Fleet API operation.")
    static let unknownRun = FleetFailure(status: 403, code: 2007, detail: "There is no run of this number.")
    static let getRun = FleetFailure(status: 403, code: 2008, detail: "Failed to get run.")
    static let getFAB = FleetFailure(status: 403, code: 2009, detail: "Failed to get FAB.")

    static func malformed(_ error: any Error) -> FleetFailure { FleetFailure(status: 400, detail: "\(error)") }
    /// A stock SuperNode tries again on 503, so this is for what may pass.
    static let cannotStore = FleetFailure(
        status: 503, detail: "The server cannot store anything at the moment. Try again later.")
    static let noRunOfFlower = FleetFailure(
        status: 503, detail: "No run is under way that this node takes part in. Try again later.")
    static let busy = FleetFailure(status: 503, detail: "The server has too many calls of this key. Try again later.")
}
