/// Ways to train side by side: labels as columns, the best of each column in bold. Few labels let all metrics stand in
/// one table; many give each metric a table.
struct ComparisonSection {
    let table: ComparisonTable

    private static let mostColumns = 10

    /// The mean over labels (nil) or a label, of one metric.
    private struct Column {
        var metric: MetricDescription
        var label: String?
        var isFirst: Bool
        var best: String?
    }

    var html: HTML {
        let metrics = table.metrics.filter { metric in table.rows.contains { $0.scores[metric.name] != nil } }
        guard !metrics.isEmpty else { return .empty }
        let isOneTable = metrics.count * (table.labels.count + 1) <= Self.mostColumns
        let groups = isOneTable ? [metrics] : metrics.map { [$0] }
        return """
            <section><h2>\(table.title)</h2>\(groups.map { self.table($0) })<p class="note">Means over cases; the small \
            numbers are the \(table.spread). Bold is the best of a column.</p></section>

            """
    }

    private func score(_ row: ComparisonTable.Row, _ metric: MetricDescription, _ label: String?)
        -> ComparisonTable.Score?
    {
        let scores = row.scores[metric.name]
        if let label { return scores?.labels[label] }
        return scores?.overall
    }

    private func columns(_ metric: MetricDescription) -> [Column] {
        let labels: [String?] = [nil] + table.labels.map(Optional.some)
        return labels.map { label in
            let means = table.rows.map { score($0, metric, label)?.mean ?? .nan }
            let best = table.rows.count > 1 ? metric.best(means).map { metric.text(means[$0]) } : nil
            return Column(metric: metric, label: label, isFirst: label == nil, best: best)
        }
    }

    private func table(_ metrics: [MetricDescription]) -> HTML {
        let columns = metrics.flatMap(columns)
        let groups = metrics.map { metric -> HTML in
            let unit = metric.unit.isEmpty ? "" : " in \(metric.unit)"
            return """
                <th class="group" colspan="\(table.labels.count + 1)"><h3>\(metric.title)\(unit)</h3> \
                \(metric.higherIsBetter ? "higher is better" : "lower is better")</th>
                """
        }
        let names = columns.map { column -> HTML in
            "<th class=\"n\(column.isFirst ? " first" : "")\">\(column.label ?? "Mean")</th>"
        }
        let rows = table.rows.map { row -> HTML in
            """
            <tr><th scope="row">\(row.name)</th><td class="n">\(row.cases)</td>\(columns.map { cell(row, $0) })</tr>

            """
        }
        return """
            <div class="wide"><table class="scores"><thead><tr><th></th><th></th>\(groups)</tr>\
            <tr><th>Trained</th><th class="n">Cases</th>\(names)</tr></thead><tbody>\(rows)</tbody></table></div>
            """
    }

    private func cell(_ row: ComparisonTable.Row, _ column: Column) -> HTML {
        let metric = column.metric
        let kind = column.isFirst ? "n first" : "n"
        guard let score = score(row, metric, column.label) else { return "<td class=\"\(kind)\">\(Quantity.none)</td>" }
        let text = metric.text(score.mean)
        let mean: HTML = text == column.best ? "<b>\(minus(text))</b>" : "\(minus(text))"
        let spread: HTML = score.spread.map { "<small>± \(metric.text($0))</small>" } ?? .empty
        return "<td class=\"\(kind)\">\(mean)\(spread)</td>"
    }
}
