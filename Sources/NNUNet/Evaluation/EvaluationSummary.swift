#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The scores of a folder: the content of nnU-Net's `summary.json`.
public struct EvaluationSummary: Sendable {
    /// One case with its metrics, in the order of `classes`.
    public struct Case: Sendable {
        public var reference: String
        public var prediction: String
        public var metrics: [SegmentationMetrics]

        public init(reference: String, prediction: String, metrics: [SegmentationMetrics]) {
            self.reference = reference
            self.prediction = prediction
            self.metrics = metrics
        }
    }

    public var classes: [EvaluationClass]
    public var cases: [Case]

    public init(classes: [EvaluationClass], cases: [Case]) {
        self.classes = classes
        self.cases = cases
    }

    /// The mean over cases of a metric by nnU-Net's key ("Dice", "HD95" …), cases where it is NaN left out; NaN where
    /// none is left.
    public func mean(_ metric: String, of classIndex: Int) -> Double {
        let values = cases.compactMap { item in
            item.metrics[classIndex].fields.first { $0.key == metric }?.value.number
        }.filter { !$0.isNaN }
        return Self.mean(values)
    }

    /// The mean over all classes but the background; NaN where a class never occurs.
    public func foregroundMean(_ metric: String) -> Double {
        Self.mean(
            classes.indices.filter { classes[$0] != EvaluationClass(label: 0) }.map { mean(metric, of: $0) })
    }

    /// The object of `summary.json`; keys are sorted when it is written.
    public var json: JSONObject {
        let metrics = cases.first?.metrics.first?.fields.map(\.key) ?? []
        func table(_ value: (String) -> Double) -> JSONValue {
            .object(JSONObject(metrics.map { ($0, JSONValue.number(value($0))) }))
        }
        let means = classes.indices.map { index in (classes[index].key, table { mean($0, of: index) }) }
        let perCase = cases.map { item in
            JSONValue.object(
                JSONObject([
                    (
                        "metrics",
                        .object(
                            JSONObject(
                                zip(classes, item.metrics).map { entry in
                                    (
                                        entry.0.key,
                                        JSONValue.object(JSONObject(entry.1.fields.map { ($0.key, $0.value) }))
                                    )
                                }))
                    ),
                    ("prediction_file", .string(item.prediction)), ("reference_file", .string(item.reference)),
                ]))
        }
        return JSONObject([
            ("foreground_mean", table { foregroundMean($0) }), ("mean", .object(JSONObject(means))),
            ("metric_per_case", .array(perCase)),
        ])
    }

    /// Writes `summary.json` as nnU-Net does: keys sorted, four spaces, bare NaN.
    public func write(to url: URL) throws {
        try AtomicFile.write(Array(JSONValue.object(json).serialised(indent: 4, sortKeys: true).utf8), to: url)
    }

    /// The mean with NumPy's order of summation, so that the last digit is nnU-Net's too.
    static func mean(_ values: [Double]) -> Double { pairwiseSum(values[...]) / Double(values.count) }

    private static func pairwiseSum(_ values: ArraySlice<Double>) -> Double {
        if values.count < 8 { return values.reduce(0, +) }
        guard values.count <= 128 else {
            var half = values.count / 2
            half -= half % 8
            return pairwiseSum(values.prefix(half)) + pairwiseSum(values.dropFirst(half))
        }
        var lanes = Array(values.prefix(8))
        let whole = values.count - values.count % 8
        for position in 8..<max(whole, 8) { lanes[position % 8] += values[values.startIndex + position] }
        let sum =
            ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
        return values.dropFirst(whole).reduce(sum, +)
    }
}

extension EvaluationSummary {
    /// Takes classes out of the cases that a rule names: they count there as in neither image, and so in no mean.
    public mutating func leaveOut(_ classes: (Case) -> [Int]) {
        for index in cases.indices {
            for left in classes(cases[index]) {
                let metrics = cases[index].metrics[left]
                cases[index].metrics[left] = SegmentationMetrics(
                    truePositives: 0, falsePositives: 0, falseNegatives: 0,
                    trueNegatives: metrics.truePositives + metrics.falsePositives + metrics.falseNegatives
                        + metrics.trueNegatives,
                    hausdorff95: metrics.hausdorff95.map { _ in .nan },
                    surfaceDice: metrics.surfaceDice.map { _ in .nan })
            }
        }
    }
}
