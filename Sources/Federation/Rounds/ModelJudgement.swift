/// By which figure the best global model is told, and which way is better.
public struct ModelJudgement: Sendable, Equatable, Codable {
    public enum Direction: String, Sendable, Codable { case higher, lower }

    public var metric: String
    public var direction: Direction

    public init(metric: String = "dice", _ direction: Direction = .higher) {
        self.metric = metric
        self.direction = direction
    }

    /// NaN is never better; of equals the earlier stays.
    public func isBetter(_ value: Double, than best: Double?) -> Bool {
        guard value.isFinite else { return false }
        guard let best else { return true }
        return direction == .higher ? value > best : value < best
    }
}

/// The mean of every figure over sites, weighed by their validation cases. A site's figure that is not finite is left out.
public func meanMetrics(_ results: [ValidationResult]) -> Metrics {
    var sums: Metrics = [:]
    var weights: Metrics = [:]
    for result in results {
        for (name, value) in result.metrics {
            let weight = value.isFinite ? Double(result.examples) : 0
            sums[name, default: 0] += weight > 0 ? weight * value : 0
            weights[name, default: 0] += weight
        }
    }
    return sums.reduce(into: [:]) { $0[$1.key] = weights[$1.key]! > 0 ? $1.value / weights[$1.key]! : .nan }
}
