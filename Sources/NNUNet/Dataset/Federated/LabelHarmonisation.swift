/// One table of labels for datasets that name their labels alike and number them differently.
///
/// A label is known by its name, in whatever case. Regions are taken apart into the values that they are made of: values
/// that belong to regions of the same names are the same tissue.
public struct LabelHarmonisation: Sendable {
    public enum Rule: String, Sendable, CaseIterable {
        /// Labels that all sites have; what else is annotated becomes background.
        case intersection
        /// Labels that any site has.
        case union
    }

    /// What becomes of one site's labels.
    public struct Mapping: Sendable, Equatable {
        public var site: String
        /// Old value → new value, background and ignore included.
        public var values: [Int: Int]
        /// Common labels that this site has not annotated.
        public var missing: [String]
        /// Labels of this site that become background.
        public var dropped: [String]
    }

    public let rule: Rule
    /// `background` first; spelt as at the first site that has them.
    public let labels: [DatasetDescription.Label]
    public let ignoreLabel: Int?
    public let regionsClassOrder: [Int]?
    /// One per site, in their order.
    public let mappings: [Mapping]
    public let warnings: [String]

    /// - Throws: `NNUNetError.dataset` where a name does not mean the same everywhere; `.plan` where no label is common.
    public init(_ sites: [(name: String, description: DatasetDescription)], rule: Rule) throws {
        let tables = try sites.map { try LabelTable(site: $0.name, $0.description) }
        self.rule = rule
        var names: [String] = []
        for name in tables.flatMap(\.names) where !names.contains(name) {
            if rule == .union || tables.allSatisfy({ $0.names.contains(name) }) { names.append(name) }
        }
        guard !names.isEmpty else {
            let own = tables.map { "\($0.site): \($0.names.joined(separator: ", "))" }.joined(separator: "; ")
            throw NNUNetError.plan(
                "No label is common to all datasets. \(own). Take the union, or give the same things the same name.")
        }
        try Self.checkMeanings(of: names, in: tables)

        // A value of a site is the set of names that cover it; equal sets are one new value.
        let chosen = Set(names)
        func tissue(_ value: Int, _ table: LabelTable) -> Set<String> {
            Self.completed(table.tissue(of: value).intersection(chosen), at: table, names: chosen, tables)
        }
        var tissues: [Set<String>] = []
        for table in tables {
            for value in table.values {
                let tissue = tissue(value, table)
                if !tissue.isEmpty, !tissues.contains(tissue) { tissues.append(tissue) }
            }
        }
        let ignore = tables.contains { $0.ignoreLabel != nil } ? tissues.count + 1 : nil
        let covered = Dictionary(
            uniqueKeysWithValues: names.map { name in
                (name, tissues.indices.filter { tissues[$0].contains(name) }.map { $0 + 1 })
            })
        let hasRegions = covered.values.contains { $0.count > 1 }
        if hasRegions { names = Self.outerFirst(names, covered) }
        func newValue(_ value: Int, _ table: LabelTable) -> Int {
            (tissues.firstIndex(of: tissue(value, table)) ?? -1) + 1
        }

        ignoreLabel = ignore
        labels =
            [DatasetDescription.Label(name: "background", values: [0], isList: false)]
            + names.map { name in
                let values = covered[name]!
                let spelling = tables.compactMap { $0.spelling[name] }[0]
                return DatasetDescription.Label(name: spelling, values: values, isList: values.count > 1)
            }
        regionsClassOrder =
            hasRegions
            ? try names.map { name in
                let table = tables.first { $0.names.contains(name) }!
                let value = newValue(table.painted[name]!, table)
                guard covered[name]!.contains(value) else {
                    throw NNUNetError.dataset(
                        table.site,
                        facts: [
                            "regions_class_order paints region \"\(table.spelling[name]!)\" with \(table.painted[name]!), which does not belong to it. Correct dataset.json."
                        ])
                }
                return value
            } : nil
        mappings = tables.map { table in
            var values = [0: 0]
            for value in table.values { values[value] = newValue(value, table) }
            if let old = table.ignoreLabel { values[old] = ignore }
            return Mapping(
                site: table.site, values: values,
                missing: names.filter { !table.names.contains($0) }.map { name in
                    tables.compactMap { $0.spelling[name] }[0]
                },
                dropped: table.names.filter { !names.contains($0) }.map { table.spelling[$0]! })
        }
        warnings = mappings.flatMap(Self.warnings)
    }

    private static func warnings(_ mapping: Mapping) -> [String] {
        var warnings: [String] = []
        if !mapping.missing.isEmpty {
            warnings.append(
                "\(mapping.site) has not annotated \(DatasetComparison.list(mapping.missing)). Its background may hold it, so its loss takes both for one class there, and the model learns to tell them apart at other sites."
            )
        }
        if !mapping.dropped.isEmpty {
            warnings.append("\(mapping.site): \(DatasetComparison.list(mapping.dropped)) becomes background.")
        }
        let merged = Dictionary(grouping: mapping.values.filter { $0.value != 0 }.map(\.key)) { mapping.values[$0]! }
        for (new, old) in merged.sorted(by: { $0.key < $1.key }) where old.count > 1 {
            warnings.append(
                "\(mapping.site): \(DatasetComparison.list(old.sorted().map(String.init))) become one label, \(new).")
        }
        return warnings
    }

    /// A tissue with the regions that its site has not annotated and that hold it wherever both are annotated: a tumour's
    /// core lies in the whole tumour also where only the core was drawn.
    private static func completed(
        _ tissue: Set<String>, at site: LabelTable, names: Set<String>, _ tables: [LabelTable]
    ) -> Set<String> {
        var tissue = tissue
        while true {
            let implied = names.subtracting(site.names).subtracting(tissue).filter { outer in
                tissue.contains { inner in
                    let relations = tables.filter { $0.names.contains(inner) && $0.names.contains(outer) }.map {
                        $0.relation(inner, outer)
                    }
                    return relations.contains(.within) && relations.allSatisfy { $0 == .within || $0 == .same }
                }
            }
            if implied.isEmpty { return tissue }
            tissue.formUnion(implied)
        }
    }

    /// A region before those that lie within it, else in the order given: later ones paint over earlier ones.
    private static func outerFirst(_ names: [String], _ covered: [String: [Int]]) -> [String] {
        var rest = names
        var ordered: [String] = []
        while !rest.isEmpty {
            let next = rest.firstIndex { name in
                !rest.contains { Set(covered[name]!).isStrictSubset(of: covered[$0]!) }
            }!
            ordered.append(rest.remove(at: next))
        }
        return ordered
    }

    /// Two names must lie to each other in the same way wherever both occur.
    private static func checkMeanings(of names: [String], in tables: [LabelTable]) throws {
        var faults: [String] = []
        for (index, first) in names.enumerated() {
            for second in names[(index + 1)...] {
                let both = tables.filter { $0.names.contains(first) && $0.names.contains(second) }
                for table in both.dropFirst() {
                    let (a, b) = (both[0].relation(first, second), table.relation(first, second))
                    guard a.contradicts(b) else { continue }
                    let words = ["\"\(both[0].spelling[first]!)\"", "\"\(both[0].spelling[second]!)\""]
                    faults.append(
                        "\(words[0]) \(a.rawValue) \(words[1]) in \(both[0].site), and \(b.rawValue) it in \(table.site). Names must mean the same everywhere: rename one, or write both datasets with regions."
                    )
                }
            }
        }
        guard faults.isEmpty else { throw NNUNetError.dataset("The common table of labels", facts: faults) }
    }
}
