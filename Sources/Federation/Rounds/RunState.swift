/// Where a run stands after a round: all that the next round needs.
public struct RunState: Sendable {
    /// The model that was judged best.
    public struct Best: Sendable {
        public var round: Int
        public var value: Double
        public var model: Weights
    }

    public var global: Weights
    public var optimizer = ServerOptimizer.State()
    public var reports: [RoundReport] = []
    public var best: Best?
    /// The last updates averaged over the sites of one modality.
    public var ofModality: [String: Weights] = [:]
    public var bestOfModality: [String: Best] = [:]

    public init(global: Weights) { self.global = global }
}
