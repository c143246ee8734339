/// What the labels of a dataset mean to a network: how many heads it has, and how their outputs become a segmentation.
public struct LabelManager: Sendable, Equatable {
    /// Whether heads overlap: then each is a sigmoid of its own, without one for the background.
    public let hasRegions: Bool
    /// All integers that occur, sorted, background included, ignore left out.
    public let allLabels: [Int]
    /// Sorted integers above 0.
    public var foregroundLabels: [Int] { allLabels.filter { $0 != 0 } }
    /// What is evaluated and what regions' heads stand for, in the file's order: everything that is not background.
    public let foregroundRegions: [[Int]]
    /// Which of them the file writes as a list, also of one.
    private let regionIsList: [Bool]
    public let ignoreLabel: Int?
    /// What each region's head paints.
    public let regionsClassOrder: [Int]
    /// Heads whose label or region this dataset's cases were never searched for; its loss and scores leave them open.
    public let unannotatedHeads: [Int]

    public init(_ dataset: DatasetDescription) {
        hasRegions = dataset.labels.contains { $0.values.count > 1 }
        allLabels = Set(dataset.labels.flatMap(\.values)).sorted()
        let foreground = dataset.labels.filter { Set($0.values) != [0] }
        foregroundRegions = foreground.map(\.values)
        regionIsList = foreground.map(\.isList)
        ignoreLabel = dataset.ignoreLabel
        regionsClassOrder = dataset.regionsClassOrder ?? []
        let open = Set(dataset.unannotatedLabels.map(DatasetComparison.folded))
        let (hasRegions, allLabels) = (hasRegions, allLabels)
        unannotatedHeads =
            (hasRegions ? foreground : dataset.labels).enumerated().compactMap { index, label in
                guard open.contains(DatasetComparison.folded(label.name)), label.values != [0] else { return nil }
                return hasRegions ? index : allLabels.firstIndex(of: label.values[0])
            }.sorted()
    }

    /// Places among the scored classes (``EvaluationClass/all(of:)``) of what was not annotated.
    public var unannotatedClasses: [Int] { hasRegions ? unannotatedHeads : unannotatedHeads.map { $0 - 1 } }

    /// Channels of the network's output.
    public var headCount: Int { hasRegions ? foregroundRegions.count : allLabels.count }

    /// What evaluation and class locations go by: regions, or single labels.
    public var foregroundClasses: [(labels: [Int], isRegion: Bool)] {
        hasRegions
            ? zip(foregroundRegions, regionIsList).map { ($0, $1) }
            : foregroundLabels.map { ([$0], false) }
    }
}
