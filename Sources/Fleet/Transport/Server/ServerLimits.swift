/// What one caller can take of the server's time and memory.
public struct ServerLimits: Sendable {
    /// Open at once; further ones wait in the system's queue.
    public var connections = 1024
    /// Open at once from one address; further ones are closed.
    public var connectionsPerAddress = 256
    /// From the last answer, or the connection's begin, to the end of a request's head. A handshake and a head that
    /// come byte by byte are over by then.
    public var head: Duration = .seconds(60)
    /// All fields of a head together, and the longest of them, in bytes.
    public var headBytes = 32 * 1024
    public var headFields = 100
    /// What a body may wait in all, before it must have come at the slowest speed.
    public var bodyGrace: Duration = .seconds(30)
    /// Bytes in a second, over the time that the server waited for them.
    public var slowestBody = 4096
    /// How long a caller may leave an answer unread.
    public var unreadAnswer: Duration = .seconds(60)
    /// After a refusal the rest of the request is thrown away, so that the caller comes to read the answer: no more
    /// than this,
    public var lingerBytes = 8 << 20
    /// and no longer than this.
    public var linger: Duration = .seconds(3)

    public init() {}
}
