/// The curves: the run's metric, losses, other metrics of the global model, and where the time went.
struct CurvesSection {
    let history: RunHistory

    /// As many sites as there are colours that all people tell apart.
    static let mostColors = 8

    var html: HTML {
        guard let first = history.rounds.first?.round, let last = history.rounds.last?.round else {
            return "<section><h2>Curves</h2><p class=\"none\">No round has been finished.</p></section>\n"
        }
        let charts = metrics.map { chart($0, rounds: first...last) }.joined()
        return "<section class=\"curves\"><h2>Curves</h2>\(charts)\(time(first...last))</section>\n"
    }

    /// The run's metric first, then losses, then what else the global model was measured by.
    private var metrics: [String] {
        let global = Set(history.rounds.flatMap(\.globalMetrics.keys))
        let sites = Set(history.rounds.flatMap(\.sites).flatMap(\.metrics.keys))
        let losses = global.union(sites).filter { $0.hasSuffix("loss") }.sorted()
        let main = history.metric.name
        let others = global.subtracting(losses).subtracting([main]).sorted()
        return (global.union(sites).contains(main) ? [main] : []) + losses + others
    }

    private func chart(_ metric: String, rounds: ClosedRange<Int>) -> HTML {
        let isMain = metric == history.metric.name
        let isColored = history.sites.count <= Self.mostColors
        var lines = [
            LineChart.Line(
                name: "global", style: .global, points: history.globalPoints(metric), label: "global")
        ]
        // A site's own report knows the global model on its own cases alone: one line, not two.
        let isOfOne = history.sites.count == 1 && history.points(metric, site: history.sites[0]) == lines[0].points
        for (index, site) in history.sites.enumerated() where !isOfOne {
            lines.append(
                LineChart.Line(
                    name: site, style: isColored ? .colored(index + 1) : .faint,
                    points: history.points(metric, site: site), label: isColored ? site : nil))
        }
        if !isColored { nameExtremes(&lines) }
        let mark = isMain ? history.best.map { (round: $0.round, text: "best: round \($0.round)") } : nil
        let title = isMain ? history.metric.title : Self.title(metric)
        let drawing = LineChart(
            title: title, lines: lines, rounds: rounds, height: isMain ? 330 : 240,
            decimals: isMain ? history.metric.decimals : 3,
            mark: mark
        ).drawing
        guard drawing != .empty else { return .empty }
        let legend =
            isOfOne
            ? "at this site"
            : isColored
                ? "bold: the global model"
                : "bold: the global model; thin: \(history.sites.count) sites, the ends named"
        return "<figure><figcaption><h3>\(title)</h3><span>\(legend)</span></figcaption>\(drawing)</figure>"
    }

    /// Of many sites, those whose last value is the lowest and the highest have their names written.
    private func nameExtremes(_ lines: inout [LineChart.Line]) {
        let ends = lines.indices.dropFirst().compactMap { index in
            lines[index].points.last(where: \.value.isFinite).map { (index, $0.value) }
        }
        for extreme in [ends.min { $0.1 < $1.1 }, ends.max { $0.1 < $1.1 }] {
            if let index = extreme?.0 { lines[index].label = lines[index].name }
        }
    }

    private func time(_ range: ClosedRange<Int>) -> HTML {
        let chart = PhaseChart(
            rounds: history.rounds, phases: RoundRecord.phases(in: history.rounds), range: range)
        let drawing = chart.drawing
        guard drawing != .empty else { return .empty }
        let bars = chart.roundsPerBar > 1 ? "; a bar is the mean of \(chart.roundsPerBar) rounds" : ""
        return """
            <figure><figcaption><h3>Time of a round</h3><span>\(chart.unitName) by phase\(bars)</span></figcaption>\
            \(drawing)</figure>
            """
    }

    static func title(_ metric: String) -> String {
        let known = ["loss": "Training loss", "train_loss": "Training loss", "val_loss": "Validation loss"]
        if let title = known[metric] { return title }
        return metric.prefix(1).uppercased() + metric.dropFirst().map { $0 == "_" ? " " : $0 }
    }
}
