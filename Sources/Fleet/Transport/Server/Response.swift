/// A handler's answer.
public struct Response: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Streamed, with its length declared first: a file.
        case source(any ByteSource)
        /// Streamed in chunks, with a length that nobody knows yet.
        case stream(any AsyncSequence<[UInt8], any Error> & Sendable)
    }

    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: Body
    /// What the audit log says of this answer; nil for an answer in the ordinary course of things.
    public var audited: String?

    public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public init(_ refusal: Refusal) {
        self.init(
            status: refusal.status, headers: [("content-type", "application/json")], body: .bytes(refusal.json))
        audited = refusal.detail
    }
}

/// Answers the calls of a route.
///
/// A `Refusal` or a `TransportError` of the body that it throws becomes the answer; any other error is a 500 without
/// its text, and is logged.
public protocol RequestHandler: Sendable {
    func handle(_ request: Request) async throws -> Response
}

/// A handler as a closure.
public struct ClosureHandler: RequestHandler {
    private let body: @Sendable (Request) async throws -> Response

    public init(_ body: @escaping @Sendable (Request) async throws -> Response) { self.body = body }

    public func handle(_ request: Request) async throws -> Response { try await body(request) }
}
