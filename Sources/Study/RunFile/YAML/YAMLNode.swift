/// A piece of a run file as it is written, before anything is made of it.
struct YAMLNode: Sendable, Equatable {
    enum Content: Sendable, Equatable {
        /// Text as written. What it means, its key decides: `no` is a name where a name is due.
        case scalar(String, isQuoted: Bool = false)
        case sequence([YAMLNode])
        case mapping([Entry])
    }

    struct Entry: Sendable, Equatable {
        var key: String
        var place = RunFile.Place.unknown
        var value: YAMLNode
    }

    var content: Content
    var place = RunFile.Place.unknown
    /// Written over several lines, and not in braces.
    var isBlock = false

    init(_ content: Content, place: RunFile.Place = .unknown, isBlock: Bool = false) {
        self.content = content
        self.place = place
        self.isBlock = isBlock
    }

    /// Text of people's own; quoted where a reader of YAML would take it for nothing, true or false.
    static func text(_ text: String) -> YAMLNode {
        YAMLNode(.scalar(text, isQuoted: nothing.contains(text) || Bool(scalar: text) != nil))
    }
    /// A word or number of the run file's own.
    static func word(_ text: String) -> YAMLNode { YAMLNode(.scalar(text)) }
    static let null = YAMLNode.word("null")
    private static let nothing: Set = ["", "~", "null", "Null", "NULL"]

    var isNull: Bool {
        if case .scalar(let text, isQuoted: false) = content { return Self.nothing.contains(text) }
        return false
    }

    /// As faults quote it.
    var summary: String {
        switch content {
        case .scalar where isNull: "empty"
        case .scalar(let text, _): "\"\(text)\""
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

extension YAMLNode {
    /// Puts a value where a path leads, and makes the mappings on the way.
    ///
    /// - Parameter path: keys; in a list the `name` or `dataset` of an element, or an index from 0.
    /// - Returns: the part of the path that leads nowhere, and what is known there; nil where all went well.
    mutating func set(_ value: YAMLNode, at path: ArraySlice<String>) -> (missing: String, known: [String])? {
        guard let step = path.first else {
            self = value
            return nil
        }
        let rest = path.dropFirst()
        if case .sequence(var elements) = content {
            let names = elements.map { $0["name"] ?? $0["dataset"] ?? "" }
            guard let index = names.firstIndex(of: step) ?? Int(step), (0...elements.count).contains(index) else {
                return (step, names + ["0 to \(elements.count)"])
            }
            if index == elements.count { elements.append(YAMLNode(.mapping([]), place: value.place)) }
            let missing = elements[index].set(value, at: rest)
            content = .sequence(elements)
            return missing
        }
        var entries: [Entry] = []
        if case .mapping(let there) = content { entries = there } else { place = value.place }
        let key = step.asKey
        let index =
            entries.firstIndex { $0.key == step } ?? entries.firstIndex { $0.key.asKey == key } ?? entries.count
        if index == entries.count { entries.append(Entry(key: step, place: value.place, value: .null)) }
        if key == "sites", !rest.isEmpty, entries[index].value.isNull {
            entries[index].value = YAMLNode(.sequence([]), place: value.place)
        }
        if rest.isEmpty { entries[index].place = value.place }
        let missing = entries[index].value.set(value, at: rest)
        content = .mapping(entries)
        return missing
    }

    /// The text under a key of a mapping.
    private subscript(key: String) -> String? {
        guard case .mapping(let entries) = content, let entry = entries.first(where: { $0.key == key }),
            case .scalar(let text, _) = entry.value.content, !entry.value.isNull
        else { return nil }
        return text
    }
}

extension String {
    /// The spelling by which keys and words are compared: hyphens and underscores are alike.
    var asKey: String { String(map { $0 == "-" ? "_" : $0 }) }
}
