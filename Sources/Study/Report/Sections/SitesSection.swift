/// The table of sites: what each brought, reached and missed.
struct SitesSection {
    let facts: RunFacts
    let history: RunHistory

    var html: HTML {
        guard !history.sites.isEmpty else { return .empty }
        let metric = facts.metric.title
        return """
            <section><h2>\(history.sites.count == 1 ? "Site" : "Sites")</h2><div class="wide"><table>
            <thead><tr><th>Site</th><th class="n">Cases</th><th>\(metric) over rounds</th><th class="n">Last</th>\
            <th class="n">Best</th><th class="n">in round</th><th class="n">Took part</th><th class="n">Failed</th>\
            <th class="n">A round</th><th class="n">Received</th><th class="n">Sent</th></tr></thead>
            <tbody>\(history.sites.indices.map(row))</tbody></table></div></section>

            """
    }

    private func row(_ index: Int) -> HTML {
        let name = history.sites[index]
        let metric = facts.metric
        let records = history.records(ofSite: name)
        let asked = records.filter { !$0.round.isPreparation }
        let failures = records.filter { !$0.site.tookPart }
        let points = history.points(metric.name, site: name)
        let best = history.best(points)
        let last = points.last { $0.value.isFinite }
        let known = facts.sites.first { $0.name == name }
        let cases = known.map(\.cases) ?? records.last { $0.site.examples > 0 }?.site.examples
        let seconds = asked.filter(\.site.tookPart).map(\.site.seconds).filter(\.isFinite).sorted()
        let chip: HTML =
            history.sites.count <= CurvesSection.mostColors
            ? "<i class=\"chip k\(index + 1)\"></i>" : ""
        let reason: HTML =
            failures.last.map { failure in
                let reason = Plain.withoutPaths(failure.site.failure ?? "")
                return "<small class=\"bad\">round \(failure.round.round): \(Plain.shortened(reason, to: 90))</small>"
            } ?? .empty
        return """
            <tr><th scope="row">\(chip)\(name)\(reason)</th><td class="n">\(cases.map(String.init) ?? Quantity.none)</td>\
            <td>\(sparkline(points))</td><td class="n">\(minus(metric.text(last?.value ?? .nan)))</td>\
            <td class="n"><b>\(minus(metric.text(best?.value ?? .nan)))</b></td>\
            <td class="n">\(best.map { String($0.round) } ?? Quantity.none)</td>\
            <td class="n">\(asked.count(where: \.site.tookPart)) of \(asked.count)</td>\
            <td class="n\(failures.isEmpty ? "" : " bad")">\(failures.count)</td>\
            <td class="n">\(seconds.isEmpty ? Quantity.none : Quantity.seconds(seconds[seconds.count / 2]))</td>\
            <td class="n">\(Quantity.bytes(records.map(\.site.bytesReceived).reduce(0, +)))</td>\
            <td class="n">\(Quantity.bytes(records.map(\.site.bytesSent).reduce(0, +)))</td></tr>

            """
    }

    private func sparkline(_ points: [RunHistory.Point]) -> HTML {
        let values = history.sites.flatMap { history.points(facts.metric.name, site: $0) }.map(\.value)
            .filter(\.isFinite)
        guard let low = values.min(), let high = values.max(), let first = history.rounds.first?.round,
            let last = history.rounds.last?.round, last > first
        else { return .empty }
        return Sparkline(points: points, rounds: first...last, values: low...high).drawing
    }
}
