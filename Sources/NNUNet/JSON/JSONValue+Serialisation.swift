extension JSONValue {
    /// The text that Python's `json.dump` writes: with `indent`, one item a line; without, on one line; keys sorted where
    /// `sortKeys` says so; everything but ASCII escaped.
    public func serialised(indent: Int? = 4, sortKeys: Bool = false) -> String {
        var text = ""
        write(into: &text, indent: indent, sortKeys: sortKeys, level: 0)
        return text
    }

    private func write(into text: inout String, indent: Int?, sortKeys: Bool, level: Int) {
        func newLine(_ level: Int) {
            guard let indent else { return }
            text += "\n" + String(repeating: " ", count: indent * level)
        }
        switch self {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .integer(let number): text += String(number)
        case .number(let number): text += Self.pythonRepresentation(number)
        case .string(let string): Self.quote(string, into: &text)
        case .array(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += indent == nil ? ", " : "," }
                newLine(level + 1)
                item.write(into: &text, indent: indent, sortKeys: sortKeys, level: level + 1)
            }
            if !items.isEmpty { newLine(level) }
            text += "]"
        case .object(let object):
            text += "{"
            let pairs = sortKeys ? object.pairs.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) } : object.pairs
            for (index, pair) in pairs.enumerated() {
                if index > 0 { text += indent == nil ? ", " : "," }
                newLine(level + 1)
                Self.quote(pair.key, into: &text)
                text += ": "
                pair.value.write(into: &text, indent: indent, sortKeys: sortKeys, level: level + 1)
            }
            if !pairs.isEmpty { newLine(level) }
            text += "}"
        }
    }

    /// Python's shortest text of a float, such as `1e-05` and `12.0`: exponents below 1e-4 and from 1e16 on.
    static func pythonRepresentation(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        let magnitude = abs(number)
        let swift = number.description  // shortest digits that give the number back, as Python's
        let usesExponent = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16)
        guard let e = swift.firstIndex(of: "e") else {
            guard usesExponent else { return swift }
            return exponential(digitsOf: swift, negative: number < 0)
        }
        if !usesExponent { return String(Int64(number)) + ".0" }  // from 2^53 on there is no fraction
        var mantissa = String(swift[..<e])
        if mantissa.hasSuffix(".0") { mantissa.removeLast(2) }
        let exponent = Int(swift[swift.index(after: e)...]) ?? 0
        return mantissa + "e" + (exponent < 0 ? "-" : "+") + (abs(exponent) < 10 ? "0" : "") + String(abs(exponent))
    }

    /// 1.0e+16-like text of a number that Swift wrote without exponent.
    private static func exponential(digitsOf text: String, negative: Bool) -> String {
        let digits = text.filter(\.isNumber).drop { $0 == "0" }
        let integerDigits = text.prefix { $0 != "." }.filter(\.isNumber).count
        var significant = String(digits)
        while significant.hasSuffix("0"), significant.count > 1 { significant.removeLast() }
        let mantissa = significant.count == 1 ? significant : "\(significant.prefix(1)).\(significant.dropFirst())"
        return "\(negative ? "-" : "")\(mantissa)e+\(integerDigits - 1)"
    }

    private static func quote(_ string: String, into text: inout String) {
        text += "\""
        for unit in string.utf16 {
            switch unit {
            case 0x22: text += "\\\""
            case 0x5C: text += "\\\\"
            case 0x0A: text += "\\n"
            case 0x0D: text += "\\r"
            case 0x09: text += "\\t"
            case 0x08: text += "\\b"
            case 0x0C: text += "\\f"
            case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        text += "\""
    }
}
