import NNUNet

extension ComparisonTable.Row {
    /// Dice and HD95 of one model, mean and deviation over cases; a case without a figure is left out of it.
    init(_ name: String, _ summary: EvaluationSummary, labels: [String]) {
        let foreground = summary.classes.indices.filter { summary.classes[$0] != EvaluationClass(label: 0) }
        func score(_ key: String, _ classes: [Int]) -> ComparisonTable.Score? {
            let values = summary.cases.compactMap { item -> Double? in
                let found: [Double] = classes.compactMap { index in
                    item.metrics[index].fields.first { $0.key == key }?.value.number
                }
                return Self.mean(found.filter(\.isFinite))
            }
            guard let mean = Self.mean(values), let variance = Self.mean(values.map { ($0 - mean) * ($0 - mean) })
            else { return nil }
            // The mean is nnU-Net's: over cases first, then over labels.
            let ofLabels = classes.map { summary.mean(key, of: $0) }.filter(\.isFinite)
            return ComparisonTable.Score(Self.mean(ofLabels) ?? mean, spread: variance.squareRoot())
        }
        var scores: [String: ComparisonTable.Scores] = [:]
        for (metric, key) in [(MetricDescription.dice, "Dice"), (.hd95, "HD95")] {
            scores[metric.name] = ComparisonTable.Scores(
                overall: score(key, foreground),
                labels: Dictionary(
                    zip(labels, foreground).compactMap { label, index in score(key, [index]).map { (label, $0) } },
                    uniquingKeysWith: { a, _ in a }))
        }
        self.init(name, cases: summary.cases.count, scores: scores)
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The mean of several rows; the spread is that between them.
    public static func mean(_ name: String, of rows: [ComparisonTable.Row]) -> ComparisonTable.Row {
        func combined(_ scores: [ComparisonTable.Score?]) -> ComparisonTable.Score? {
            let values = scores.compactMap { $0?.mean }.filter(\.isFinite)
            guard !values.isEmpty else { return nil }
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, values.count - 1))
            return ComparisonTable.Score(mean, spread: values.count > 1 ? variance.squareRoot() : nil)
        }
        var scores: [String: ComparisonTable.Scores] = [:]
        for metric in Set(rows.flatMap(\.scores.keys)) {
            let labels = Set(rows.flatMap { $0.scores[metric]?.labels.keys.map { $0 } ?? [] })
            scores[metric] = ComparisonTable.Scores(
                overall: combined(rows.map { $0.scores[metric]?.overall }),
                labels: Dictionary(
                    labels.compactMap { label in
                        combined(rows.map { $0.scores[metric]?.labels[label] }).map { (label, $0) }
                    }, uniquingKeysWith: { a, _ in a }))
        }
        return ComparisonTable.Row(name, cases: rows.first?.cases ?? 0, scores: scores)
    }
}

extension ComparisonTable {
    /// As lines for a terminal: overall and per label, every metric with its spread.
    public var text: String {
        func cell(_ score: Score?, _ metric: MetricDescription) -> String {
            guard let score, score.mean.isFinite else { return "–" }
            let mean = metric.text(score.mean)
            guard let spread = score.spread, spread.isFinite else { return mean }
            return mean + " ± " + metric.text(spread)
        }
        var lines = [[title] + metrics.flatMap { metric in [metric.title] + labels.map { "\(metric.title) \($0)" } }]
        for row in rows {
            lines.append(
                [row.name]
                    + metrics.flatMap { metric in
                        [cell(row.scores[metric.name]?.overall, metric)]
                            + labels.map { cell(row.scores[metric.name]?.labels[$0], metric) }
                    })
        }
        let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line, widths).enumerated().map { column, item in
                let space = String(repeating: " ", count: item.1 - item.0.count)
                return column == 0 ? item.0 + space : space + item.0
            }.joined(separator: "  ")
        }.joined(separator: "\n") + "\n(± is the \(spread))"
    }

    public var json: JSONValue {
        func value(_ score: Score?) -> JSONValue {
            guard let score else { return .null }
            return .object(
                JSONObject([
                    ("mean", score.mean.isFinite ? .number(score.mean) : .null),
                    ("spread", score.spread.map { $0.isFinite ? .number($0) : .null } ?? .null),
                ]))
        }
        return .array(
            rows.map { row in
                var object = JSONObject([("name", .string(row.name)), ("cases", .integer(row.cases))])
                for metric in metrics {
                    let scores = row.scores[metric.name]
                    var entry = JSONObject([("overall", value(scores?.overall))])
                    for label in labels { entry[label] = value(scores?.labels[label]) }
                    object[metric.name] = .object(entry)
                }
                return .object(object)
            })
    }
}
