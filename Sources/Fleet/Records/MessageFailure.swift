/// Why a reply has no content: Flower's `Error`.
public struct MessageFailure: Sendable, Hashable, CustomStringConvertible {
    public var code: Int64
    public var reason: String

    public init(_ code: Code, reason: String) { self.init(code: code.rawValue, reason: reason) }

    init(code: Int64, reason: String) { (self.code, self.reason) = (code, reason) }

    /// Flower's codes.
    public enum Code: Int64, Sendable {
        case unknown = 0
        case loadFailed = 1
        case appRaised = 2
        case messageUnavailable = 3
        case replyUnavailable = 4
        case nodeUnavailable = 5
        case modPreconditionFailed = 6
        case invalidFAB = 7
        case appCrashed = 8
    }

    public var description: String { reason.isEmpty ? "error \(code)" : "error \(code): \(reason)" }
}
