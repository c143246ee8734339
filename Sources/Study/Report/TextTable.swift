/// Columns of plain text.
public struct TextTable: CustomStringConvertible {
    private let rows: [[String]]
    private let isNumeric: Bool

    /// - Parameters:
    ///   - rows: the head among them.
    ///   - isNumeric: whether all columns but the first stand to the right.
    public init(_ rows: [[String]], isNumeric: Bool = false) {
        self.rows = rows
        self.isNumeric = isNumeric
    }

    public var description: String {
        let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
            rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, text in
                let space = String(repeating: " ", count: widths[column] - text.count)
                if isNumeric, column > 0 { return space + text }
                return column == row.count - 1 ? text : text + space
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
