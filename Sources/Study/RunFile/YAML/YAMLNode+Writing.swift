import Yams

extension YAMLNode {
    /// The text of a file.
    func yaml() throws -> String {
        try serialize(node: yams, width: -1, allowUnicode: true)
    }

    private var yams: Node {
        switch content {
        case .scalar(let text, let isQuoted):
            return Node(text, isQuoted ? Tag(.str) : .implicit, isQuoted ? .singleQuoted : .any)
        case .sequence(let elements):
            return Node(elements.map(\.yams), .implicit, isBlock ? .block : .flow)
        case .mapping(let entries):
            return Node(
                entries.map { (Self.text($0.key).yams, $0.value.yams) }, .implicit, isBlock ? .block : .flow)
        }
    }
}
