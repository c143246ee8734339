#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Which case belongs to which site: a table with columns `case` and `site`.
public struct SiteTable: Sendable, Equatable {
    private let table: CaseTable

    public init(contentsOf url: URL) throws { table = try CaseTable(contentsOf: url, column: "site") }

    /// - Parameter file: the name that an error gives.
    public init(_ text: String, file: String) throws { table = try CaseTable(text, file: file, column: "site") }

    /// The site of each case.
    ///
    /// - Throws: where a case is named twice, is not in the dataset, or is missing.
    public func sites(of cases: [String]) throws -> [String: String] {
        var faults: [String] = []
        var sites: [String: String] = [:]
        var twice: [String] = []
        for row in table.rows where sites.updateValue(row.value, forKey: row.identifier) != nil {
            twice.append(row.identifier)
        }
        func report(_ names: [String], _ fact: String) {
            guard !names.isEmpty else { return }
            let shown = names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
            faults.append("\(names.count) \(names.count == 1 ? "case" : "cases") \(fact): \(shown)")
        }
        let known = Set(cases)
        report(Set(twice).sorted(), "named more than once")
        report(sites.keys.filter { !known.contains($0) }.sorted(), "named that the dataset has not")
        report(cases.filter { sites[$0] == nil }, "of the dataset not named")
        guard faults.isEmpty else { throw NNUNetError.dataset(table.file, facts: faults) }
        return sites
    }

    /// Numbers by size, else by letters.
    static func ordered(_ names: Set<String>) -> [String] {
        names.sorted { a, b in
            if let x = Int(a), let y = Int(b), x != y { return x < y }
            return a < b
        }
    }
}
