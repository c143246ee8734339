/// One of several forms: a word, `{word: what it needs}`, or a list or mapping that stands for itself.
protocol YAMLChoice: YAMLValue {
    static var options: [YAMLOption<Self>] { get }
}

/// One form of a choice.
struct YAMLOption<Choice>: Sendable {
    enum Shape: Sendable, Equatable {
        case word(String)
        case list
        case mapping
    }

    let shape: Shape
    /// As faults show it.
    let example: String
    /// The node behind the word; nil where the word stands alone.
    let read: @Sendable (YAMLNode?, _ path: String, inout Reading) -> Choice?
    /// The whole form, if the choice is this one.
    let node: @Sendable (Choice) -> YAMLNode?
    let check: @Sendable (Choice, _ path: String, inout Reading) -> Void
    /// Keys behind the word.
    let paths: @Sendable (_ path: String) -> [String]

    var word: String? { if case .word(let word) = shape { word } else { nil } }
}

extension YAMLOption {
    /// A word alone.
    static func word(_ word: String, _ choice: Choice) -> Self where Choice: Equatable & Sendable {
        YAMLOption(
            shape: .word(word), example: word,
            read: { node, path, reading in
                guard node?.isNull ?? true else {
                    return reading.wrong(node!, path.key(word), form: "nothing behind it")
                }
                return choice
            },
            node: { $0 == choice ? .word(word) : nil }, check: { _, _, _ in }, paths: { _ in [] })
    }

    /// A word with what it needs.
    ///
    /// - Parameter example: of what it needs.
    static func word<Value: YAMLValue>(
        _ word: String, example: String, _ rule: ValueRule<Value>? = nil, form: String? = nil,
        make: @escaping @Sendable (Value) -> Choice, value: @escaping @Sendable (Choice) -> Value?
    ) -> Self {
        YAMLOption(
            shape: .word(word), example: "{\(word): \(example)}",
            read: { node, path, reading in
                // Sections have a value for each of their keys.
                let node = node ?? (Value.self is any YAMLSection.Type ? YAMLNode.null : nil)
                guard let node, !node.isNull || Value.self is any YAMLSection.Type else {
                    reading.fault(
                        node?.place ?? .unknown, path, "is \(word) and does not say which",
                        "write {\(word): \(example)}")
                    return nil
                }
                let outer = reading.form
                reading.form = form
                defer { reading.form = outer }
                reading.places[path.key(word)] = node.place
                return Value.read(node, at: path.key(word), &reading).map(make)
            },
            node: { choice in
                value(choice).map { YAMLNode(.mapping([YAMLNode.Entry(key: word, value: $0.node)])) }
            },
            check: { choice, path, reading in
                guard let value = value(choice) else { return }
                if let rule, !rule.holds(value) {
                    reading.fault(at: path.key(word), "is \(value.node.text)", "write \(rule.text)")
                }
                value.check(at: path.key(word), &reading)
            },
            paths: { path in
                let paths = Value.paths(under: path.key(word))
                return paths == [path.key(word)] ? [] : paths
            })
    }

    /// A list or mapping that needs no word.
    static func bare<Value: YAMLValue>(
        _ shape: Shape, example: String, make: @escaping @Sendable (Value) -> Choice,
        value: @escaping @Sendable (Choice) -> Value?
    ) -> Self {
        YAMLOption(
            shape: shape, example: example,
            read: { node, path, reading in node.flatMap { Value.read($0, at: path, &reading) }.map(make) },
            node: { value($0)?.node }, check: { value($0)?.check(at: $1, &$2) }, paths: { _ in [] })
    }
}

extension YAMLChoice {
    static var form: String {
        let examples = options.map(\.example)
        return examples.dropLast().joined(separator: ", ") + " or " + examples.last!
    }

    private static func option(_ word: String) -> YAMLOption<Self>? {
        options.first { $0.word?.asKey == word.asKey }
    }

    static func read(_ node: YAMLNode, at path: String, _ reading: inout Reading) -> Self? {
        switch node.content {
        case .scalar(let word, _):
            if let option = option(word), !node.isNull || option.word == word {
                guard let choice = option.read(nil, path, &reading) else {
                    reading.placeLast(node.place)
                    return nil
                }
                return choice
            }
            if let nearest = nearest(to: word, in: options.compactMap(\.word)) {
                reading.fault(node.place, path, "is \(node.summary)", "did you mean \(nearest)?")
                return nil
            }
        case .sequence:
            if let option = options.first(where: { $0.shape == .list }) { return option.read(node, path, &reading) }
        case .mapping(let entries):
            if let option = options.first(where: { $0.shape == .mapping }) { return option.read(node, path, &reading) }
            let words = options.filter { $0.example.hasPrefix("{") }.compactMap(\.word)
            for entry in entries where option(entry.key) == nil {
                reading.unknownKey(entry, path.key(entry.key), known: words)
                return nil
            }
            guard let entry = entries.first, let option = option(entry.key) else { break }
            guard entries.count == 1 else {
                let names = entries.map(\.key).joined(separator: " and ")
                reading.fault(node.place, path, "names \(names)", "keep one")
                return nil
            }
            return option.read(entry.value, path, &reading)
        }
        return reading.wrong(node, path, form: form)
    }

    var node: YAMLNode { Self.options.lazy.compactMap { $0.node(self) }.first ?? .null }

    static func paths(under path: String) -> [String] { [path] + options.flatMap { $0.paths(path) } }

    func check(at path: String, _ reading: inout Reading) {
        for option in Self.options { option.check(self, path, &reading) }
    }
}

extension Reading {
    /// Gives the last fault a place, where it has none.
    fileprivate mutating func placeLast(_ place: RunFile.Place) {
        guard let last = faults.indices.last, faults[last].place == .unknown else { return }
        faults[last].place = place
    }
}
