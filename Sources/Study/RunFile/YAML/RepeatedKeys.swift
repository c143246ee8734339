/// Keys that a mapping holds more than once.
///
/// The parser gives up at the first of them. So that the rest of the file is read too, every occurrence but the last is
/// hidden behind a character for private use, and the text is parsed again.
struct RepeatedKeys {
    private var keys: [(name: String, line: Int)] = []
    private static let first: UInt32 = 0xe000
    private static let most = 1000

    /// Hides the key that stands at a place of the text.
    ///
    /// - Returns: whether it could be found there.
    mutating func hide(_ name: String, line: Int, column: Int, in text: inout String) -> Bool {
        guard !name.isEmpty, keys.count < Self.most, let mark = Unicode.Scalar(Self.first + UInt32(keys.count)) else {
            return false
        }
        let breaks: Set<Unicode.Scalar> = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]
        var scalars = Array(text.unicodeScalars)
        var index = 0
        var lineNumber = 1
        while lineNumber < line, index < scalars.count {
            if breaks.contains(scalars[index]) {
                if scalars[index] == "\r", index + 1 < scalars.count, scalars[index + 1] == "\n" { index += 1 }
                lineNumber += 1
            }
            index += 1
        }
        index += column - 1
        if index < scalars.count, scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        let end = index + name.unicodeScalars.count
        guard end <= scalars.count, scalars[index..<end].elementsEqual(name.unicodeScalars) else { return false }
        for i in index..<end { scalars[i] = mark }
        keys.append((name, line))
        text = String(String.UnicodeScalarView(scalars))
        return true
    }

    /// What a key hides.
    func hidden(_ key: String) -> (name: String, line: Int)? {
        guard let scalar = key.unicodeScalars.first, scalar.value >= Self.first,
            Int(scalar.value - Self.first) < keys.count
        else { return nil }
        return keys[Int(scalar.value - Self.first)]
    }
}
