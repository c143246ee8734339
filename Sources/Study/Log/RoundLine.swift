/// One line on one round, for the terminal.
///
///     round 12/50  Dice 0.842 (best)  hospital_a 0.851  hospital_b 0.829  loss -0.71  train 41 s, merge 0.2 s  48 MB
public enum RoundLine {
    /// Where the sites would take more room than this, only the lowest and the highest are named.
    static let siteWidth = 84

    private static let verbs = [
        "training": "train", "aggregation": "merge", "validation": "validate", "saving": "save",
    ]

    /// - Parameter rounds: how many the run has.
    public static func text(_ record: RoundRecord, of rounds: Int, metric: MetricDescription = .dice) -> String {
        var parts: [String] = []
        if record.isPreparation {
            parts.append(Plain.line(record.stage))
            let count = record.sites.count(where: \.tookPart)
            if count > 0 { parts.append(Quantity.count(count, "site")) }
        } else {
            parts.append("round \(record.round)/\(rounds)")
            if record.stage != "training" { parts.append(Plain.line(record.stage)) }
            if let value = record.globalMetrics[metric.name] {
                parts.append("\(metric.title) \(metric.text(value))" + (record.isBest ? " (best)" : ""))
            }
            parts += sites(record, metric)
            for name in ["loss", "val_loss"] {
                guard let value = record.globalMetrics[name] else { continue }
                parts.append("\(name == "loss" ? "loss" : "validation loss") \(Quantity.decimal(value, 2))")
            }
        }
        let failed = record.sites.filter { !$0.tookPart }
        if !failed.isEmpty { parts.append(failures(failed)) }
        let seconds = RoundRecord.phases(in: [record]).map {
            "\(verbs[$0] ?? Plain.line($0)) \(Quantity.seconds(record.seconds[$0] ?? .nan))"
        }
        if !seconds.isEmpty { parts.append(seconds.joined(separator: ", ")) }
        let bytes = record.bytesDown + record.bytesUp
        if bytes > 0 { parts.append(Quantity.bytes(bytes)) }
        return parts.joined(separator: "  ")
    }

    private static func sites(_ record: RoundRecord, _ metric: MetricDescription) -> [String] {
        let values = record.sites.filter(\.tookPart).compactMap { site in
            site.metrics[metric.name].map { (name: Plain.line(site.name), value: $0) }
        }
        let named = values.map { "\($0.name) \(metric.text($0.value))" }
        guard named.joined(separator: "  ").count > siteWidth else { return named }
        let finite = values.filter(\.value.isFinite)
        guard let low = finite.min(by: { $0.value < $1.value }), let high = finite.max(by: { $0.value < $1.value })
        else { return [Quantity.count(values.count, "site")] }
        return [
            "\(values.count) sites: lowest \(low.name) \(metric.text(low.value)), "
                + "highest \(high.name) \(metric.text(high.value))"
        ]
    }

    private static func failures(_ failed: [SiteRecord]) -> String {
        if failed.count == 1, let reason = failed[0].failure {
            return "\(Plain.line(failed[0].name)) failed: \(Plain.shortened(Plain.line(reason), to: 60))"
        }
        let names = failed.prefix(3).map { Plain.line($0.name) } + (failed.count > 3 ? ["…"] : [])
        return "\(failed.count) sites failed (\(names.joined(separator: ", ")))"
    }
}
