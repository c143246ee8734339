/// The rounds of a run, put in order and asked about.
struct RunHistory {
    /// Rounds proper, by number; of two with one number the later record counts.
    let rounds: [RoundRecord]
    let preparation: [RoundRecord]
    /// The sites that the facts name, then those that only took part.
    let sites: [String]
    let metric: MetricDescription

    init(_ records: [RoundRecord], facts: RunFacts) {
        let latest = Dictionary(records.map { ($0.round, $0) }) { $1 }
        let ordered = latest.values.sorted { $0.round < $1.round }
        rounds = ordered.filter { !$0.isPreparation }
        preparation = ordered.filter(\.isPreparation)
        var names = facts.sites.map(\.name)
        var known = Set(names)
        for site in ordered.flatMap(\.sites) where known.insert(site.name).inserted { names.append(site.name) }
        sites = names
        metric = facts.metric
    }

    var all: [RoundRecord] { preparation + rounds }

    /// One value of a metric; NaN where the round has none.
    struct Point: Equatable {
        var round: Int
        var value: Double
    }

    /// The rounds in which anyone has the metric: others are no gap in a curve.
    func rounds(with metric: String) -> [RoundRecord] {
        rounds.filter { $0.globalMetrics[metric] != nil || $0.sites.contains { $0.metrics[metric] != nil } }
    }

    func globalPoints(_ metric: String) -> [Point] {
        rounds(with: metric).map { Point(round: $0.round, value: $0.globalMetrics[metric] ?? .nan) }
    }

    func points(_ metric: String, site: String) -> [Point] {
        rounds(with: metric).map { record in
            Point(
                round: record.round,
                value: record.sites.first { $0.name == site && $0.tookPart }?.metrics[metric] ?? .nan)
        }
    }

    func best(_ points: [Point]) -> Point? { metric.best(points.map(\.value)).map { points[$0] } }

    /// The round whose global model was kept as the best; nil where nothing was measured.
    var best: Point? {
        let points = globalPoints(metric.name)
        if let kept = rounds.last(where: \.isBest), let value = kept.globalMetrics[metric.name], value.isFinite {
            return Point(round: kept.round, value: value)
        }
        return best(points)
    }

    /// What a site did in all rounds in which it was asked.
    func records(ofSite name: String) -> [(round: RoundRecord, site: SiteRecord)] {
        all.compactMap { round in round.sites.first { $0.name == name }.map { (round, $0) } }
    }

    /// A site's failures of one reason in one stage.
    struct Failure: Equatable {
        var site: String
        var stage: String
        var reason: String
        var rounds: [Int]
    }

    /// In the order in which they first came.
    var failures: [Failure] {
        var failures: [Failure] = []
        for record in all {
            for site in record.sites {
                guard let reason = site.failure else { continue }
                let known = failures.firstIndex {
                    $0.site == site.name && $0.stage == record.stage && $0.reason == reason
                }
                if let known {
                    failures[known].rounds.append(record.round)
                } else {
                    failures.append(
                        Failure(site: site.name, stage: record.stage, reason: reason, rounds: [record.round]))
                }
            }
        }
        return failures
    }
}
