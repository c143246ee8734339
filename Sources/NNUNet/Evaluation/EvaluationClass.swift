/// What is scored: a label, or a region made of several.
public struct EvaluationClass: Sendable, Equatable {
    public var labels: [Int]
    /// Whether nnU-Net's key is a tuple.
    public var isRegion: Bool

    public init(label: Int) {
        labels = [label]
        isRegion = false
    }

    public init(region: [Int]) {
        labels = region
        isRegion = true
    }

    /// The key in `summary.json`: Python's way of writing an integer or a tuple.
    public var key: String {
        guard isRegion else { return String(labels.first ?? 0) }
        return labels.count == 1 ? "(\(labels[0]),)" : "(\(labels.map(String.init).joined(separator: ", ")))"
    }

    /// The classes that nnU-Net scores for a dataset: its regions in the file's order, or else its labels above 0.
    public static func all(of dataset: DatasetDescription) -> [EvaluationClass] {
        let manager = LabelManager(dataset)
        guard manager.hasRegions else { return manager.foregroundLabels.map { EvaluationClass(label: $0) } }
        return dataset.labels.compactMap { label in
            if Set(label.values) == [0] { return nil }
            return label.isList
                ? EvaluationClass(region: label.values) : label.values.first.map { EvaluationClass(label: $0) }
        }
    }
}

extension EvaluationClass {
    /// The names of `all(of:)`, in its order.
    public static func names(of dataset: DatasetDescription) -> [String] {
        all(of: dataset).map { item in
            dataset.labels.first { Set($0.values) == Set(item.labels) }?.name ?? item.key
        }
    }
}
