import Yams

extension YAMLNode {
    /// Reads YAML text; whatever can be read is returned beside what is wrong.
    ///
    /// - Parameter place: of every value; nil for the lines of the text.
    static func parse(_ text: String, place: RunFile.Place? = nil) -> (node: YAMLNode?, faults: [RunFile.Fault]) {
        var text = text
        var repeated = RepeatedKeys()
        while true {
            do {
                guard let root = try Parser(yaml: text).singleRoot() else { return (.null, []) }
                var conversion = Conversion(repeated: repeated, place: place)
                let node = conversion.node(root, path: "")
                return (node, conversion.faults)
            } catch YamlError.duplicatedKeysInMapping(let names, let context)
                where repeated.hide(names.first ?? "", line: context.mark.line, column: context.mark.column, in: &text)
            {
                continue
            } catch {
                var fault = fault(error, text: text)
                if let place { fault.place = place }
                return (nil, [fault])
            }
        }
    }

    private static func fault(_ error: any Error, text: String) -> RunFile.Fault {
        func fault(_ mark: Mark?, _ fact: String, _ remedy: String) -> RunFile.Fault {
            RunFile.Fault(
                place: mark.map { .line($0.line, column: $0.column) } ?? .unknown, path: "", fact: fact, remedy: remedy)
        }
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            let context = context.map { "\($0.text) from line \($0.mark.line) on" }
            let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            let line = mark.line <= lines.count ? lines[mark.line - 1] : ""
            let hasTab = line.prefix { $0.isWhitespace }.contains("\t")
            return fault(
                mark, "This is not YAML: " + [context, problem].compactMap(\.self).joined(separator: ", "),
                hasTab ? "indent with spaces, not with tabs" : "look at this line and the one before it")
        case YamlError.duplicatedKeysInMapping(let names, let context):
            return fault(
                context.mark, "The key \(names.joined(separator: " and ")) is written more than once", "keep one")
        case YamlError.reader(let problem, _, _, _):
            return fault(nil, "The text cannot be read: \(problem)", "save the file as UTF-8")
        default: return fault(nil, "The text cannot be read: \(error)", "save the file as YAML in UTF-8")
        }
    }
}

/// Makes our nodes of the parser's.
private struct Conversion {
    let repeated: RepeatedKeys
    let place: RunFile.Place?
    var faults: [RunFile.Fault] = []
    /// Aliases of aliases can make few lines very large.
    private var nodesLeft = 100_000

    init(repeated: RepeatedKeys, place: RunFile.Place?) {
        self.repeated = repeated
        self.place = place
    }

    mutating func node(_ node: Node, path: String) -> YAMLNode {
        nodesLeft -= 1
        let here = place(node)
        guard nodesLeft > 0 else {
            if nodesLeft == 0 {
                faults.append(
                    RunFile.Fault(
                        place: here, path: path, fact: "makes the file too large", remedy: "use fewer aliases"))
            }
            return .null
        }
        switch node {
        case .scalar(let scalar):
            let isQuoted = [.singleQuoted, .doubleQuoted, .literal, .folded].contains(scalar.style)
            return YAMLNode(.scalar(scalar.string, isQuoted: isQuoted), place: here)
        case .sequence(let sequence):
            let elements = sequence.enumerated().map { self.node($1, path: path.key(String($0))) }
            return YAMLNode(.sequence(elements), place: here)
        case .mapping(let mapping): return YAMLNode(.mapping(entries(mapping, path: path)), place: here)
        case .alias: return .null  // The parser has put in what it stands for.
        }
    }

    private mutating func entries(_ mapping: Node.Mapping, path: String) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var merged: [YAMLNode.Entry] = []
        var earlier: [String: [Int]] = [:]
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                faults.append(
                    RunFile.Fault(
                        place: place(key), path: path, fact: "has a list or mapping for a key", remedy: "keys are words"
                    ))
                continue
            }
            if let (name, line) = repeated.hidden(name) {
                earlier[name, default: []].append(line)
                continue
            }
            let value = node(value, path: path.key(name))
            if name == "<<" {
                merged += mergedEntries(value, at: key, path: path)
            } else {
                entries.append(YAMLNode.Entry(key: name, place: place(key), value: value))
            }
        }
        for entry in entries {
            guard let lines = earlier[entry.key] else { continue }
            faults.append(
                RunFile.Fault(
                    place: entry.place, path: path.key(entry.key),
                    fact: "is written already in line \(lines.sorted().map(String.init).joined(separator: " and "))",
                    remedy: "keep one"))
        }
        for entry in merged where !entries.contains(where: { $0.key == entry.key }) { entries.append(entry) }
        return entries
    }

    /// What `<<` brings in: a mapping, or several of which the first counts most.
    private mutating func mergedEntries(_ value: YAMLNode, at key: Node, path: String) -> [YAMLNode.Entry] {
        switch value.content {
        case .mapping(let entries): return entries
        case .sequence(let parts): return parts.flatMap { mergedEntries($0, at: key, path: path) }
        case .scalar:
            faults.append(
                RunFile.Fault(
                    place: place(key), path: path.key("<<"), fact: "is no mapping",
                    remedy: "write an alias of a mapping, such as <<: *site"))
            return []
        }
    }

    private func place(_ node: Node) -> RunFile.Place {
        place ?? node.mark.map { .line($0.line, column: $0.column) } ?? .unknown
    }
}
