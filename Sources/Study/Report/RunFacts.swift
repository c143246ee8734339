#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What is known of a run apart from its rounds: the head of its report.
public struct RunFacts: Sendable {
    public struct Site: Sendable, Equatable {
        public var name: String
        /// Training cases that the site has; nil where the run's privacy keeps that to itself.
        public var cases: Int?

        public init(_ name: String, cases: Int?) {
            self.name = name
            self.cases = cases
        }
    }

    /// A fact of this run alone: ("Privacy", "epsilon 3.0 of 8.0 spent").
    public struct Fact: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What was learned, such as the dataset's name.
    public var task: String
    /// How many rounds were planned.
    public var rounds: Int
    /// How updates become one model: "FedAvg".
    public var strategy: String
    /// What part of the model is shared: "all weights".
    public var sharing: String
    public var sites: [Site]
    public var started: Date?
    /// Seconds from the beginning to the end of the run; nil for the sum of its rounds.
    public var seconds: Double?
    /// The metric that the best model is chosen by.
    public var metric: MetricDescription
    /// Shown after the others, in this order.
    public var more: [Fact]

    public init(
        task: String, rounds: Int, strategy: String, sharing: String, sites: [Site], started: Date? = nil,
        seconds: Double? = nil, metric: MetricDescription = .dice, more: [Fact] = []
    ) {
        self.task = task
        self.rounds = rounds
        self.strategy = strategy
        self.sharing = sharing
        self.sites = sites
        self.started = started
        self.seconds = seconds
        self.metric = metric
        self.more = more
    }
}
