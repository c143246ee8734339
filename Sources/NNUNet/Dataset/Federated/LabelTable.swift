/// The labels of one site by folded name, and the values that they cover.
struct LabelTable {
    /// How two labels lie to each other.
    enum Relation: String {
        case apart = "lies apart from"
        case same = "covers the same as"
        case within = "lies within"
        case around = "lies around"
        case overlapping = "overlaps"

        /// A site may lack a part, so equal regions contradict no nested ones.
        func contradicts(_ other: Relation) -> Bool {
            if (self == .apart) != (other == .apart) { return true }
            return Set([self, other]) == [.within, .around]
        }
    }

    let site: String
    /// Folded, in the file's order, background left out.
    let names: [String]
    /// Folded name → as the site writes it.
    let spelling: [String: String]
    /// Folded name → what its region paints, or its value.
    let painted: [String: Int]
    let ignoreLabel: Int?
    private let covered: [String: Set<Int>]

    init(site: String, _ description: DatasetDescription) throws {
        func fault(_ fact: String) -> NNUNetError { .dataset(site, facts: [fact]) }
        let foreground = description.labels.filter { Set($0.values) != [0] }
        var spelling: [String: String] = [:]
        for label in foreground {
            let folded = DatasetComparison.folded(label.name)
            guard !label.values.contains(0) else {
                throw fault("label \"\(label.name)\" holds 0, the background. Take 0 out of it in dataset.json.")
            }
            guard folded != "background", folded != "ignore" else {
                throw fault(
                    "label \"\(label.name)\" has a name that is taken for \(folded == "ignore" ? "unannotated voxels" : "0"). Rename it in dataset.json."
                )
            }
            guard spelling.updateValue(label.name, forKey: folded) == nil else {
                throw fault(
                    "two labels are called \"\(label.name)\" when upper and lower case count alike. Rename one in dataset.json."
                )
            }
        }
        // What an earlier union added to the file, and nobody drew.
        let unannotated = Set(description.unannotatedLabels.map(DatasetComparison.folded))
        let order = description.regionsClassOrder
        let isRegional = foreground.contains { $0.values.count > 1 }
        self.site = site
        self.spelling = spelling
        names = foreground.map { DatasetComparison.folded($0.name) }.filter { !unannotated.contains($0) }
        ignoreLabel = description.ignoreLabel
        covered = Dictionary(
            uniqueKeysWithValues: foreground.map { (DatasetComparison.folded($0.name), Set($0.values)) })
        painted = Dictionary(
            uniqueKeysWithValues: foreground.enumerated().map { index, label in
                let regional = isRegional && order?.count == foreground.count
                return (DatasetComparison.folded(label.name), regional ? order![index] : label.values[0])
            })
    }

    /// Sorted, background left out.
    var values: [Int] { names.reduce(into: Set<Int>()) { $0.formUnion(covered[$1]!) }.sorted() }

    /// The names that cover a value.
    func tissue(of value: Int) -> Set<String> { Set(names.filter { covered[$0]!.contains(value) }) }

    func relation(_ first: String, _ second: String) -> Relation {
        let (a, b) = (covered[first]!, covered[second]!)
        if a == b { return .same }
        if a.isDisjoint(with: b) { return .apart }
        return a.isSubset(of: b) ? .within : b.isSubset(of: a) ? .around : .overlapping
    }
}

extension DatasetDescription {
    /// Labels that stand in the table and that this dataset's cases were never searched for (`unannotated_labels`).
    public var unannotatedLabels: [String] { json["unannotated_labels"]?.list(\.string) ?? [] }
}
