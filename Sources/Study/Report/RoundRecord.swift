/// What one round of a federated run did, as metrics.jsonl, TensorBoard and the report tell it.
///
/// A value that is not a number (a site without a tumour has no Dice of it) is `null` in JSON and NaN here.
public struct RoundRecord: Codable, Sendable, Equatable {
    /// The round, from 1; negative for the preparation, where sites make fingerprints and preprocess.
    public var round: Int
    /// What was done: "training", "fingerprint", "preprocess".
    public var stage: String
    /// Metrics of the global model: name to value, such as "dice" and "val_loss".
    public var globalMetrics: [String: Double]
    public var sites: [SiteRecord]
    /// Wall-clock seconds of each phase at the server: "training", "aggregation", "validation", "saving".
    public var seconds: [String: Double]
    /// Bytes that the server sent to all sites.
    public var bytesDown: Int
    /// Bytes that the server received from all sites.
    public var bytesUp: Int
    /// Whether the global model of this round is the best so far.
    public var isBest: Bool

    public init(
        round: Int, stage: String = "training", globalMetrics: [String: Double] = [:], sites: [SiteRecord] = [],
        seconds: [String: Double] = [:], bytesDown: Int = 0, bytesUp: Int = 0, isBest: Bool = false
    ) {
        self.round = round
        self.stage = stage
        self.globalMetrics = globalMetrics
        self.sites = sites
        self.seconds = seconds
        self.bytesDown = bytesDown
        self.bytesUp = bytesUp
        self.isBest = isBest
    }

    /// The phases of a round in the order in which they happen; others follow by name.
    public static let phases = ["training", "aggregation", "validation", "saving"]

    /// The phases that some records hold, in order.
    static func phases(in records: [RoundRecord]) -> [String] {
        let present = Set(records.flatMap(\.seconds.keys))
        return phases.filter(present.contains) + present.subtracting(phases).sorted()
    }

    var isPreparation: Bool { round < 0 }

    /// All phases together; what is not a number counts nothing.
    public var totalSeconds: Double { seconds.values.filter(\.isFinite).sorted().reduce(0, +) }

    private enum CodingKeys: String, CodingKey {
        case round, stage, metrics, sites, seconds
        case bytesDown = "bytes_down"
        case bytesUp = "bytes_up"
        case isBest = "is_best"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            round: try values.decode(Int.self, forKey: .round),
            stage: try values.decode(String.self, forKey: .stage),
            globalMetrics: try values.decodeNumbers(forKey: .metrics),
            sites: try values.decodeIfPresent([SiteRecord].self, forKey: .sites) ?? [],
            seconds: try values.decodeNumbers(forKey: .seconds),
            bytesDown: try values.decodeIfPresent(Int.self, forKey: .bytesDown) ?? 0,
            bytesUp: try values.decodeIfPresent(Int.self, forKey: .bytesUp) ?? 0,
            isBest: try values.decodeIfPresent(Bool.self, forKey: .isBest) ?? false)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(round, forKey: .round)
        try values.encode(stage, forKey: .stage)
        try values.encode(numbers: globalMetrics, forKey: .metrics)
        try values.encode(sites, forKey: .sites)
        try values.encode(numbers: seconds, forKey: .seconds)
        try values.encode(bytesDown, forKey: .bytesDown)
        try values.encode(bytesUp, forKey: .bytesUp)
        try values.encode(isBest, forKey: .isBest)
    }
}
