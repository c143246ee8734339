#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Which case belongs to which site: a CSV or TSV file whose first line names its columns, `case` and `site` among them.
public struct SiteTable: Sendable, Equatable {
    public struct Row: Sendable, Equatable {
        public var identifier: String
        public var site: String
    }

    public let file: String
    public let rows: [Row]

    public init(contentsOf url: URL) throws {
        guard let data = try? Data(contentsOf: url), let text = String(validating: data, as: UTF8.self) else {
            throw NNUNetError.file(url.path, reason: "there is no such file, or it is not text in UTF-8")
        }
        try self.init(text, file: url.lastPathComponent)
    }

    /// - Parameter file: the name that an error gives.
    public init(_ text: String, file: String) throws {
        func fault(_ reason: String) -> NNUNetError { .file(file, reason: reason) }
        let lines = Self.lines(of: text)
        guard let header = lines.first(where: { !$0.text.isEmpty }) else { throw fault("is empty") }
        let delimiter: Character = ["\t", ";", ","].first { header.text.contains($0) } ?? ","
        func fields(_ line: (number: Int, text: String)) throws -> [String] {
            guard let fields = Self.fields(of: line.text, delimiter) else {
                throw fault("line \(line.number): a quotation mark does not end")
            }
            return fields
        }
        let columns = try fields(header).map { $0.lowercased() }
        guard let caseColumn = columns.firstIndex(of: "case"), let siteColumn = columns.firstIndex(of: "site") else {
            throw fault(
                "its first line must name the columns case and site; it names \(columns.joined(separator: ", "))")
        }
        var rows: [Row] = []
        for line in lines.drop(while: { $0.number <= header.number }) where !line.text.isEmpty {
            let fields = try fields(line)
            guard fields.count == columns.count, !fields[caseColumn].isEmpty, !fields[siteColumn].isEmpty else {
                throw fault(
                    "line \(line.number) must give a case and a site in \(columns.count) columns: \"\(line.text)\"")
            }
            rows.append(Row(identifier: fields[caseColumn], site: fields[siteColumn]))
        }
        self.file = file
        self.rows = rows
    }

    /// The site of each case.
    ///
    /// - Throws: where a case is named twice, is not in the dataset, or is missing.
    public func sites(of cases: [String]) throws -> [String: String] {
        var faults: [String] = []
        var sites: [String: String] = [:]
        var twice: [String] = []
        for row in rows where sites.updateValue(row.site, forKey: row.identifier) != nil {
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
        guard faults.isEmpty else { throw NNUNetError.dataset(file, facts: faults) }
        return sites
    }

    /// Numbers by size, else by letters.
    static func ordered(_ names: Set<String>) -> [String] {
        names.sorted { a, b in
            if let x = Int(a), let y = Int(b), x != y { return x < y }
            return a < b
        }
    }

    private static func lines(of text: String) -> [(number: Int, text: String)] {
        let body = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
        return body.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().map {
            ($0 + 1, String($1))
        }
    }

    /// The fields of a line without the space around them; nil where a quotation mark does not end.
    private static func fields(of line: String, _ delimiter: Character) -> [String]? {
        var fields: [String] = []
        var field = ""
        var isQuoted = false
        var characters = line[...]
        while let character = characters.popFirst() {
            if character == "\"" {
                if isQuoted, characters.first == "\"" {
                    field.append(characters.removeFirst())
                } else {
                    isQuoted.toggle()
                }
            } else if character == delimiter, !isQuoted {
                fields.append(field)
                field = ""
            } else {
                field.append(character)
            }
        }
        return isQuoted ? nil : (fields + [field]).map(\.trimmed)
    }
}
