/// What a key of a run file can hold. A value is read and written here, and nowhere else.
protocol YAMLValue: Sendable {
    /// What to write for it, such as "a whole number, such as 2".
    static var form: String { get }

    /// - Returns: nil where the node is something else; the reading knows why.
    static func read(_ node: YAMLNode, at path: String, _ reading: inout Reading) -> Self?

    var node: YAMLNode { get }

    /// The paths of the keys in it.
    static func paths(under path: String) -> [String]

    /// Tells of values out of their range.
    func check(at path: String, _ reading: inout Reading)
}

extension YAMLValue {
    static func paths(under path: String) -> [String] { [path] }

    func check(at path: String, _ reading: inout Reading) {}
}
