#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a table says of each case: a CSV or TSV file whose first line names its columns, `case` and one that is asked for.
/// Other columns are not kept.
public struct CaseTable: Sendable, Equatable {
    public struct Row: Sendable, Equatable {
        public var identifier: String
        public var value: String
    }

    public let file: String
    public let column: String
    public let rows: [Row]

    public init(contentsOf url: URL, column: String) throws {
        guard let data = try? Data(contentsOf: url), let text = String(validating: data, as: UTF8.self) else {
            throw NNUNetError.file(url.path, reason: "there is no such file, or it is not text in UTF-8")
        }
        try self.init(text, file: url.lastPathComponent, column: column)
    }

    /// - Parameters:
    ///   - file: the name that an error gives.
    ///   - column: its name in any case of letters.
    public init(_ text: String, file: String, column: String) throws {
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
        guard let caseColumn = columns.firstIndex(of: "case"),
            let valueColumn = columns.firstIndex(of: column.lowercased())
        else {
            throw fault(
                "its first line must name the columns case and \(column); it names \(columns.joined(separator: ", "))")
        }
        var rows: [Row] = []
        for line in lines.drop(while: { $0.number <= header.number }) where !line.text.isEmpty {
            let fields = try fields(line)
            guard fields.count == columns.count, !fields[caseColumn].isEmpty, !fields[valueColumn].isEmpty else {
                throw fault(
                    "line \(line.number) must give a case and a \(column) in \(columns.count) columns: \"\(line.text)\""
                )
            }
            rows.append(Row(identifier: fields[caseColumn], value: fields[valueColumn]))
        }
        (self.file, self.column, self.rows) = (file, column, rows)
    }

    /// The value of each case that the table names.
    ///
    /// - Throws: where a case is named twice.
    public func values() throws -> [String: String] {
        var values: [String: String] = [:]
        for row in rows where values.updateValue(row.value, forKey: row.identifier) != nil {
            throw NNUNetError.dataset(file, facts: ["a case is named more than once: \(row.identifier)"])
        }
        return values
    }

    /// A table's text with all of its columns, and of its rows those of some cases.
    static func text(_ text: String, keeping cases: Set<String>, file: String) throws -> String {
        let kept = Set(
            try CaseTable(text, file: file, column: "case").rows.enumerated().filter { cases.contains($1.identifier) }
                .map(\.offset))
        let lines = lines(of: text).filter { !$0.text.isEmpty }.map(\.text)
        let rows = lines.dropFirst().enumerated().filter { kept.contains($0.offset) }.map(\.element)
        return (lines.prefix(1) + rows).joined(separator: "\n") + "\n"
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
