/// What one site did in one round.
public struct SiteRecord: Codable, Sendable, Equatable {
    public var name: String
    /// Cases that the site trained on, the weight of its update.
    public var examples: Int
    /// Optimizer steps that it took.
    public var steps: Int
    /// Name to value, such as "dice" and "loss".
    public var metrics: [String: Double]
    /// Wall-clock seconds from the task to its result.
    public var seconds: Double
    /// Bytes that the site received, the global model among them.
    public var bytesReceived: Int
    /// Bytes that the site sent, its update among them.
    public var bytesSent: Int
    /// Why the site's update is not in the global model; nil where it is.
    public var failure: String?

    public init(
        name: String, examples: Int = 0, steps: Int = 0, metrics: [String: Double] = [:], seconds: Double = 0,
        bytesReceived: Int = 0, bytesSent: Int = 0, failure: String? = nil
    ) {
        self.name = name
        self.examples = examples
        self.steps = steps
        self.metrics = metrics
        self.seconds = seconds
        self.bytesReceived = bytesReceived
        self.bytesSent = bytesSent
        self.failure = failure
    }

    public var tookPart: Bool { failure == nil }

    private enum CodingKeys: String, CodingKey {
        case name, examples, steps, metrics, seconds
        case bytesReceived = "bytes_received"
        case bytesSent = "bytes_sent"
        case failure
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try values.decode(String.self, forKey: .name),
            examples: try values.decodeIfPresent(Int.self, forKey: .examples) ?? 0,
            steps: try values.decodeIfPresent(Int.self, forKey: .steps) ?? 0,
            metrics: try values.decodeNumbers(forKey: .metrics),
            seconds: try values.decodeIfPresent(Double.self, forKey: .seconds) ?? .nan,
            bytesReceived: try values.decodeIfPresent(Int.self, forKey: .bytesReceived) ?? 0,
            bytesSent: try values.decodeIfPresent(Int.self, forKey: .bytesSent) ?? 0,
            failure: try values.decodeIfPresent(String.self, forKey: .failure))
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(name, forKey: .name)
        try values.encode(examples, forKey: .examples)
        try values.encode(steps, forKey: .steps)
        try values.encode(numbers: metrics, forKey: .metrics)
        try values.encode(seconds.isFinite ? seconds : nil, forKey: .seconds)
        try values.encode(bytesReceived, forKey: .bytesReceived)
        try values.encode(bytesSent, forKey: .bytesSent)
        try values.encode(failure, forKey: .failure)
    }
}
