extension Optional: YAMLValue where Wrapped: YAMLValue {
    static var form: String { Wrapped.form }

    static func read(_ node: YAMLNode, at path: String, _ reading: inout Reading) -> Self? {
        if node.isNull { return .some(nil) }
        return Wrapped.read(node, at: path, &reading).map { .some($0) }
    }

    var node: YAMLNode { self?.node ?? .null }

    static func paths(under path: String) -> [String] { Wrapped.paths(under: path) }

    func check(at path: String, _ reading: inout Reading) { self?.check(at: path, &reading) }
}

extension Array: YAMLValue where Element: YAMLValue {
    static var form: String { "a list, each of it \(Element.form)" }

    static func read(_ node: YAMLNode, at path: String, _ reading: inout Reading) -> Self? {
        if node.isNull { return [] }
        guard case .sequence(let nodes) = node.content else { return reading.wrong(node, path, form: form) }
        let elements = nodes.enumerated().map { index, node in
            let path = path.key(String(index))
            reading.places[path] = node.place
            return Element.read(node, at: path, &reading)
        }
        return elements.contains { $0 == nil } ? nil : elements.map { $0! }
    }

    var node: YAMLNode {
        let nodes = map(\.node)
        return YAMLNode(.sequence(nodes), isBlock: nodes.contains(where: \.isBlock))
    }

    static func paths(under path: String) -> [String] {
        let paths = Element.paths(under: path.key("0"))
        return paths == [path.key("0")] ? [path] : paths
    }

    func check(at path: String, _ reading: inout Reading) {
        for (index, element) in enumerated() { element.check(at: path.key(String(index)), &reading) }
    }
}

extension Dictionary: YAMLValue where Key == String, Value: YAMLValue {
    static var form: String { "names with \(Value.form)" }

    static func read(_ node: YAMLNode, at path: String, _ reading: inout Reading) -> Self? {
        guard case .mapping(let entries) = node.content else { return reading.wrong(node, path, form: form) }
        let count = reading.faults.count
        var values = Self()
        for entry in entries {
            let path = path.key(entry.key)
            reading.places[path] = entry.place
            values[entry.key] = Value.read(entry.value, at: path, &reading)
        }
        return reading.faults.count > count ? nil : values
    }

    var node: YAMLNode {
        YAMLNode(.mapping(sorted { $0.key < $1.key }.map { YAMLNode.Entry(key: $0.key, value: $0.value.node) }))
    }
}
