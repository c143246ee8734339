/// The bytes that one attempt at a call moved: bodies, without heads and TLS. What is sent again counts again.
public struct Traffic: Sendable, Equatable {
    public var path: String
    /// From 1.
    public var attempt: Int
    /// Bytes of the request's body that were handed to the network.
    public var sent: Int64
    public var received: Int64
    /// Nil where no answer came.
    public var status: Int?

    public init(path: String, attempt: Int, sent: Int64, received: Int64, status: Int? = nil) {
        self.path = path
        self.attempt = attempt
        self.sent = sent
        self.received = received
        self.status = status
    }
}
