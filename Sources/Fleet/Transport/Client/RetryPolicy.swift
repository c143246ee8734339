/// How long a call is tried again: after transport errors and 502, 503, 504, with pauses that double.
public struct RetryPolicy: Sendable, Equatable {
    public var firstPause: Duration
    public var longestPause: Duration
    /// No attempt begins later than this after the first one's begin.
    public var within: Duration

    public init(
        firstPause: Duration = .milliseconds(500), longestPause: Duration = .seconds(30),
        within: Duration = .seconds(600)
    ) {
        self.firstPause = firstPause
        self.longestPause = longestPause
        self.within = within
    }

    /// A call that is made once.
    public static let never = RetryPolicy(within: .zero)

    /// The pause after the n-th attempt (from 1): between half and the whole of its length, so that sites that lost
    /// the same server do not come back at the same instant.
    func pause(after attempt: Int) -> Duration {
        let doubled = firstPause * (1 << min(attempt - 1, 20))
        return min(doubled, longestPause) * Double.random(in: 0.5...1)
    }
}
