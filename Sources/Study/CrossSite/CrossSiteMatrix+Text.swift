extension CrossSiteMatrix {
    /// The matrix of one metric as a table of plain text; reasons of missing scores stand under it by number.
    public func text(_ metric: MetricDescription = .dice) -> String {
        var reasons: [String] = []
        func content(_ site: String, _ model: String) -> String {
            switch self[site, model] {
            case .score(let metrics, _): return metrics[metric.name].map(metric.text) ?? Quantity.none
            case .missing(let reason):
                let reason = Plain.line(reason)
                if !reasons.contains(reason) { reasons.append(reason) }
                return "\(Quantity.none) [\(reasons.firstIndex(of: reason)! + 1)]"
            case nil: return Quantity.none
            }
        }
        var rows = [["data \\ model"] + models.map(Plain.line)]
        rows += sites.map { site in [Plain.line(site)] + models.map { content(site, $0) } }
        let means = models.map { mean(of: $0, metric: metric.name) }
        if sites.count > 1, means.contains(where: { $0 != nil }) {
            rows.append(["mean of sites"] + means.map { $0.map(metric.text) ?? Quantity.none })
        }
        let notes = reasons.enumerated().map { "[\($0.offset + 1)] \($0.element)" }
        return ([TextTable(rows, isNumeric: true).description] + notes).joined(separator: "\n")
    }
}
