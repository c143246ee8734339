/// A value that is written as one piece of text.
protocol YAMLScalar: YAMLValue {
    init?(scalar: String)
    var scalar: String { get }
}

extension YAMLScalar {
    static func read(_ node: YAMLNode, at path: String, _ reading: inout Reading) -> Self? {
        guard !node.isNull, case .scalar(let text, _) = node.content, let value = Self(scalar: text) else {
            return reading.wrong(node, path, form: form)
        }
        return value
    }

    var node: YAMLNode { .word(scalar) }
}

extension String: YAMLScalar {
    static var form: String { "a text, such as hospital_a" }

    init?(scalar: String) { self = scalar }

    var scalar: String { self }

    var node: YAMLNode { .text(self) }
}

extension Int: YAMLScalar {
    static var form: String { "a whole number, such as 2" }

    init?(scalar: String) { self.init(scalar) }

    var scalar: String { String(self) }
}

extension UInt64: YAMLScalar {
    static var form: String { "a whole number from 0 on, such as 1" }

    init?(scalar: String) { self.init(scalar) }

    var scalar: String { String(self) }
}

extension UInt32: YAMLScalar {
    static var form: String { "a whole number from 0 to \(UInt32.max), such as 1" }

    init?(scalar: String) { self.init(scalar) }

    var scalar: String { String(self) }
}

extension Double: YAMLScalar {
    static var form: String { "a number, such as 0.5" }

    init?(scalar: String) {
        guard let value = Double(scalar), value.isFinite else { return nil }
        self = value
    }

    var scalar: String { self == rounded() && magnitude < 1e15 ? String(Int(self)) : String(self) }
}

extension Bool: YAMLScalar {
    static var form: String { "true or false" }

    init?(scalar: String) {
        switch scalar.lowercased() {
        case "true", "yes", "on": self = true
        case "false", "no", "off": self = false
        default: return nil
        }
    }

    var scalar: String { self ? "true" : "false" }
}

/// A value out of a closed set of words.
protocol YAMLWord: YAMLScalar, RawRepresentable<String> {
    static var words: [Self] { get }
}

extension YAMLWord {
    static var form: String { "one of " + words.map(\.rawValue).joined(separator: ", ") }

    init?(scalar: String) {
        guard let word = Self.words.first(where: { $0.rawValue.asKey == scalar.asKey }) else { return nil }
        self = word
    }

    var scalar: String { rawValue }
}

extension YAMLWord where Self: CaseIterable {
    static var words: [Self] { Array(allCases) }
}
