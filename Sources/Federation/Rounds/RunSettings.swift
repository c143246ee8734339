/// How long a run is, and what makes it repeatable.
public struct RunSettings: Sendable, Equatable, Codable {
    public var rounds: Int
    public var localEpochs = 1
    /// Rounds in which sites train only what they do not share, before the first.
    public var warmUpRounds = 0
    public var seed: UInt64 = 1
    /// What else must be the same for a run to be taken up again, as text.
    public var identity = ""

    public init(rounds: Int, localEpochs: Int = 1, warmUpRounds: Int = 0, seed: UInt64 = 1, identity: String = "") {
        self.rounds = rounds
        self.localEpochs = localEpochs
        self.warmUpRounds = warmUpRounds
        self.seed = seed
        self.identity = identity
    }
}
