#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The run's name, its headline numbers and its facts.
struct HeaderSection {
    let facts: RunFacts
    let history: RunHistory
    /// Whose own page it is; nil for that of the whole run.
    var site: String?

    var html: HTML {
        """
        <header><p class="over">\(site.map { _ in facts.task + ", a federated run" } ?? "Federated run")</p>\
        <h1>\(site ?? facts.task)</h1></header>
        <section class="tiles">\(tiles)</section>
        <section><dl class="facts">\(pairs.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>" })</dl></section>

        """
    }

    private var tiles: [HTML] {
        let metric = facts.metric
        let best = history.best
        let last = history.globalPoints(metric.name).last { $0.value.isFinite }
        let bytes = history.all.map { (down: $0.bytesDown, up: $0.bytesUp) }
        let down = bytes.map(\.down).reduce(0, +)
        let up = bytes.map(\.up).reduce(0, +)
        let seconds = facts.seconds ?? history.all.map(\.totalSeconds).reduce(0, +)
        return [
            tile(
                "Best \(metric.title)", best.map { minus(metric.text($0.value)) } ?? Quantity.none,
                best.map { "round \($0.round)" } ?? "not measured", isMain: true),
            tile(
                "Last \(metric.title)", last.map { minus(metric.text($0.value)) } ?? Quantity.none,
                last.map { "round \($0.round)" } ?? "not measured"),
            tile("Rounds", "\(history.rounds.count)", "of \(facts.rounds) planned"),
            site.map(participation) ?? tile("Sites", "\(history.sites.count)", lastRound),
            tile("Took", Quantity.seconds(seconds), pace),
            tile("Moved", Quantity.bytes(down + up), "↓ \(Quantity.bytes(down))  ↑ \(Quantity.bytes(up))"),
        ]
    }

    private var lastRound: String {
        guard let last = history.rounds.last else { return "no round yet" }
        return "\(last.sites.count(where: \.tookPart)) in the last round"
    }

    private func participation(of site: String) -> HTML {
        let took = history.rounds.count { round in round.sites.contains { $0.name == site && $0.tookPart } }
        return tile("Took part in", "\(took)", "of \(Quantity.count(history.rounds.count, "round"))")
    }

    /// What a usual round takes: the median.
    private var pace: String {
        let seconds = history.rounds.map(\.totalSeconds).filter { $0 > 0 }.sorted()
        return seconds.isEmpty ? "" : "\(Quantity.seconds(seconds[seconds.count / 2])) a round"
    }

    private func tile(_ name: String, _ value: String, _ note: String, isMain: Bool = false) -> HTML {
        """
        <div class="tile\(isMain ? " main" : "")"><span>\(name)</span><b>\(value)</b><small>\(note)</small></div>
        """
    }

    private var pairs: [RunFacts.Fact] {
        var pairs = [
            RunFacts.Fact("Strategy", facts.strategy), RunFacts.Fact("Sharing", facts.sharing),
            site == nil ? RunFacts.Fact("Sites", siteCases) : RunFacts.Fact("Cases", ownCases),
        ]
        if let started = facts.started { pairs.append(RunFacts.Fact("Started", Self.text(started))) }
        let preparation = history.preparation.map(\.totalSeconds).reduce(0, +)
        if preparation > 0 {
            let stages = history.preparation.map(\.stage).reduce(into: [String]()) { stages, stage in
                if !stages.contains(stage) { stages.append(stage) }
            }
            pairs.append(
                RunFacts.Fact("Preparation", "\(Quantity.seconds(preparation)) (\(stages.joined(separator: ", ")))"))
        }
        return pairs + facts.more
    }

    private var ownCases: String { facts.sites.first?.cases.map { "\($0) to train on" } ?? "not told" }

    private var siteCases: String {
        let told = facts.sites.compactMap(\.cases)
        guard !facts.sites.isEmpty else { return "not said" }
        guard told.count == facts.sites.count else {
            let names =
                facts.sites.count <= 6 ? facts.sites.map(\.name).joined(separator: ", ") : "\(facts.sites.count)"
            return names + "; their numbers of cases are not told"
        }
        let cases = Quantity.count(told.reduce(0, +), "case")
        guard facts.sites.count <= 6 else { return "\(facts.sites.count) with \(cases)" }
        return zip(facts.sites, told).map { "\($0.name) (\($1))" }.joined(separator: ", ") + ": " + cases
    }

    /// "2026-11-21 08:12 UTC".
    static func text(_ date: Date) -> String {
        let text = date.formatted(.iso8601)
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
    }
}
