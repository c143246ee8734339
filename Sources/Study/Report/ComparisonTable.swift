/// Ways to train side by side: federated, centralised, each site alone; every metric as a mean over labels and per label.
public struct ComparisonTable: Sendable {
    /// A mean over cases with its spread.
    public struct Score: Sendable, Equatable {
        public var mean: Double
        /// In the meaning that the table's `spread` says; nil where there is none.
        public var spread: Double?

        public init(_ mean: Double, spread: Double? = nil) {
            self.mean = mean
            self.spread = spread
        }
    }

    /// The scores of one metric.
    public struct Scores: Sendable, Equatable {
        /// The mean over the labels.
        public var overall: Score?
        public var labels: [String: Score]

        public init(overall: Score?, labels: [String: Score] = [:]) {
            self.overall = overall
            self.labels = labels
        }
    }

    /// One way to train.
    public struct Row: Sendable {
        /// "federated", "centralised", "hospital_a alone".
        public var name: String
        /// How many cases were scored.
        public var cases: Int
        /// By the metric's name.
        public var scores: [String: Scores]

        public init(_ name: String, cases: Int, scores: [String: Scores]) {
            self.name = name
            self.cases = cases
            self.scores = scores
        }
    }

    public var title: String
    /// What the small numbers are: "standard deviation over cases".
    public var spread: String
    public var metrics: [MetricDescription]
    public var labels: [String]
    public var rows: [Row]

    public init(
        title: String = "Comparison", spread: String = "standard deviation over cases",
        metrics: [MetricDescription] = [.dice, .hd95], labels: [String], rows: [Row]
    ) {
        self.title = title
        self.spread = spread
        self.metrics = metrics
        self.labels = labels
        self.rows = rows
    }
}
