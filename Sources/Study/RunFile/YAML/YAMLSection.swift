/// A mapping of a run file with keys of its own. Keys that are not written have the values of `init()`.
protocol YAMLSection: YAMLValue {
    init()
    static var keys: [YAMLKey<Self>] { get }
    /// Fills in what follows from other keys.
    mutating func complete()
}

/// One key: its name, how its value is read, written and checked.
struct YAMLKey<Section>: Sendable {
    let name: String
    var isRequired: @Sendable (Section) -> Bool = { _ in false }
    let read: @Sendable (YAMLNode, _ path: String, inout Section, inout Reading) -> Void
    let node: @Sendable (Section) -> YAMLNode
    let check: @Sendable (Section, _ path: String, inout Reading) -> Void
    let paths: @Sendable (_ path: String) -> [String]

    /// - Parameters:
    ///   - form: what to write, where the value's type does not say enough.
    ///   - exception: what makes a required key needless.
    init<Value: YAMLValue>(
        _ name: String, _ value: WritableKeyPath<Section, Value> & Sendable, _ rule: ValueRule<Value>? = nil,
        form: String? = nil, required: Bool = false,
        requiredUnless exception: (KeyPath<Section, Bool> & Sendable)? = nil
    ) {
        self.name = name
        if let exception { isRequired = { !$0[keyPath: exception] } } else { isRequired = { _ in required } }
        read = { node, path, section, reading in
            let outer = reading.form
            reading.form = form
            defer { reading.form = outer }
            if let read = Value.read(node, at: path, &reading) { section[keyPath: value] = read }
        }
        node = { $0[keyPath: value].node }
        check = { section, path, reading in
            let value = section[keyPath: value]
            if let rule, !rule.holds(value) {
                reading.fault(at: path, "is \(value.node.text)", "write \(rule.text)")
            }
            value.check(at: path, &reading)
        }
        paths = Value.paths
    }

    /// A key that may be empty.
    init<Value: YAMLValue>(
        _ name: String, _ value: WritableKeyPath<Section, Value?> & Sendable, _ rule: ValueRule<Value>,
        form: String? = nil
    ) {
        self.init(name, value, ValueRule(rule.text) { $0.map(rule.holds) ?? true }, form: form)
    }
}

extension YAMLSection {
    static var form: String { "a mapping of " + keys.map(\.name).joined(separator: ", ") }

    mutating func complete() {}

    static func read(_ node: YAMLNode, at path: String, _ reading: inout Reading) -> Self? {
        var section = Self()
        section.read(node, at: path, &reading)
        return section
    }

    mutating func read(_ node: YAMLNode, at path: String, _ reading: inout Reading) {
        var entries: [YAMLNode.Entry] = []
        if case .mapping(let written) = node.content {
            entries = written
        } else if !node.isNull {
            let _: Self? = reading.wrong(node, path, form: Self.form)
            return
        }
        var read: Set<String> = []
        for entry in entries {
            let entryPath = path.key(entry.key)
            guard let key = Self.keys.first(where: { $0.name == entry.key.asKey }) else {
                reading.unknownKey(entry, entryPath, known: Self.keys.map(\.name))
                continue
            }
            guard read.insert(key.name).inserted else {
                reading.fault(entry.place, entryPath, "is written already", "keep one")
                continue
            }
            let path = path.key(key.name)
            reading.places[path] = entry.place
            key.read(entry.value, path, &self, &reading)
        }
        for key in Self.keys where key.isRequired(self) && !read.contains(key.name) {
            reading.fault(node.place, path.key(key.name), "is missing", "write \(key.name): 4")
        }
        complete()
    }

    var node: YAMLNode {
        YAMLNode(
            .mapping(Self.keys.map { YAMLNode.Entry(key: $0.name, value: $0.node(self)) }), isBlock: true)
    }

    static func paths(under path: String) -> [String] { keys.flatMap { $0.paths(path.key($0.name)) } }

    func check(at path: String, _ reading: inout Reading) {
        for key in Self.keys { key.check(self, path.key(key.name), &reading) }
    }
}

extension YAMLNode {
    /// On one line.
    var text: String {
        switch content {
        case .scalar(let text, _): text.isEmpty ? "empty" : text
        case .sequence(let elements): "[" + elements.map(\.text).joined(separator: ", ") + "]"
        case .mapping(let entries): "{" + entries.map { "\($0.key): \($0.value.text)" }.joined(separator: ", ") + "}"
        }
    }
}
