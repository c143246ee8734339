import Federation

extension RunFile.Strategy {
    /// As the field calls it, such as "FedAvg" or "coordinate median, FedProx (μ 0.01)".
    public var text: String {
        var parts: [String] = []
        switch aggregation {
        case .mean: break
        case .median: parts.append("coordinate median")
        case .trimmedMean(let share): parts.append("trimmed mean (\(share))")
        case .krum(let faulty, let chosen): parts.append("Krum (\(faulty) faulty, \(chosen) chosen)")
        }
        switch serverOptimizer {
        case .replace: if parts.isEmpty { parts.append("FedAvg") }
        case .momentum: parts.append("FedAvgM")
        case .adam: parts.append("FedAdam")
        case .yogi: parts.append("FedYogi")
        case .adagrad: parts.append("FedAdagrad")
        }
        if proximalTerm > 0 { parts.append("FedProx (μ \(proximalTerm))") }
        if weighting.groups != nil { parts.append("modality-aware") }
        if secureAggregation != .plain { parts.append(secureAggregation.title) }
        return parts.joined(separator: ", ")
    }
}
