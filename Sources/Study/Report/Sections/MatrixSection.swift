/// The cross-site matrix as a table whose colour deepens with the score; the number stands in every cell.
struct MatrixSection {
    let matrix: CrossSiteMatrix
    let metric: MetricDescription

    /// Beyond this many models their names stand upright.
    private static let mostLevelNames = 7
    private var isDense: Bool { matrix.models.count > Self.mostLevelNames }

    var html: HTML {
        guard !matrix.sites.isEmpty, !matrix.models.isEmpty else { return .empty }
        var reasons: [String] = []
        let rows = matrix.sites.map { row($0, &reasons) }
        let head = matrix.models.map { model -> HTML in
            "<th class=\"\(isDense ? "upright" : "n")\"><span>\(Plain.shortened(model, to: 24))</span></th>"
        }
        let notes = reasons.map { reason -> HTML in "<li>\(Plain.withoutPaths(reason))</li>" }
        let list: HTML = notes.isEmpty ? "" : "<ol class=\"reasons\">\(notes)</ol>"
        return """
            <section><h2>Every model on \(matrix.sites.count == 1 ? "this" : "every") site’s data</h2>
            <p class="note">\(metric.title)\(metric.unit.isEmpty ? "" : " in \(metric.unit)"). A row is one site’s \
            cases, a column one model. The deeper the colour, the better; bold is the best of a row, a frame marks a \
            site’s own model.</p>
            <div class="wide"><table class="matrix\(isDense ? " dense" : "")"><thead><tr><th>Data</th>\
            <th class="n">Cases</th>\(head)</tr></thead><tbody>\(rows)\(means)</tbody></table></div>\(list)</section>

            """
    }

    private var range: (low: Double, high: Double)? {
        let values = matrix.sites.flatMap { site in matrix.models.map { value(site, $0) } }.filter(\.isFinite)
        return values.min().flatMap { low in values.max().map { (low, $0) } }
    }

    private func value(_ site: String, _ model: String) -> Double {
        matrix[site, model]?.value(metric.name) ?? .nan
    }

    /// Many columns leave no room for the zero before the point.
    private func text(_ value: Double) -> String {
        let text = metric.text(value)
        return minus(isDense && text.hasPrefix("0.") ? String(text.dropFirst()) : text)
    }

    private func row(_ site: String, _ reasons: inout [String]) -> HTML {
        let counts = matrix.models.compactMap { model -> Int? in
            if case .score(_, let cases) = matrix[site, model], cases > 0 { cases } else { nil }
        }
        let cases = counts.max()
        let best = metric.best(matrix.models.map { value(site, $0) })
        var cells = HTML.empty
        for (index, model) in matrix.models.enumerated() {
            let own = model == site ? " own" : ""
            switch matrix[site, model] {
            case .score(_, let count) where value(site, model).isFinite:
                let text: HTML = "\(text(value(site, model)))"
                let fewer: HTML =
                    count == cases || count == 0 ? "" : "<small>\(isDense ? "n=\(count)" : "\(count) cases")</small>"
                cells += """
                    <td class="n cell\(own)" style="\(shade(value(site, model)))" title="\(model) on \(site)">\
                    \(index == best ? "<b>\(text)</b>" : text)\(fewer)</td>
                    """
            case .score: cells += "<td class=\"n cell hole\(own)\">\(Quantity.none)</td>"
            case .missing(let reason):
                if !reasons.contains(reason) { reasons.append(reason) }
                let number = reasons.firstIndex(of: reason)! + 1
                cells += """
                    <td class="n cell hole\(own)" title="\(Plain.withoutPaths(reason))">\(Quantity.none)<sup>\(number)</sup></td>
                    """
            case nil: cells += "<td class=\"n cell hole\(own)\"></td>"
            }
        }
        return """
            <tr><th scope="row">\(Plain.shortened(site, to: 28))</th>\
            <td class="n">\(cases.map(String.init) ?? Quantity.none)</td>\(cells)</tr>

            """
    }

    /// The means over all sites; a model that lacks one has none.
    private var means: HTML {
        let means = matrix.models.map { matrix.mean(of: $0, metric: metric.name) }
        guard matrix.sites.count > 1, means.contains(where: { $0 != nil }) else { return .empty }
        let cells = means.map { mean -> HTML in "<td class=\"n cell\">\(mean.map(text) ?? "")</td>" }
        return "<tr class=\"total\"><th scope=\"row\">Mean of sites</th><td></td>\(cells)</tr>\n"
    }

    /// A tint that is readable on white and on black paper, 6 to 56 per cent.
    private func shade(_ value: Double) -> HTML {
        guard let range else { return .empty }
        let extent = range.high - range.low
        let share = extent > 0 ? (value - range.low) / extent : 0.5
        let tint = 6 + 50 * (metric.higherIsBetter ? share : 1 - share)
        return "background:rgb(var(--heat)/\(Quantity.decimal(tint, 0))%)"
    }
}
