/// JSON as Flower's objects hold it: written byte for byte as Python's `json.dumps` does, read strictly and in order.
enum JSONText {
    static func write(_ pairs: [(String, String)]) -> [UInt8] {
        Array(("{" + pairs.map { quoted($0) + ": " + quoted($1) }.joined(separator: ", ") + "}").utf8)
    }

    /// ASCII only: the rest as `\uXXXX`, in pairs of surrogates beyond the first plane.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0x0A: result += "\\n"
            case 0x0D: result += "\\r"
            case 0x09: result += "\\t"
            case 0x08: result += "\\b"
            case 0x0C: result += "\\f"
            case 0x20...0x7E: result.unicodeScalars.append(UnicodeScalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result + "\""
    }

    /// An object of strings, in its order; each name once.
    static func pairs(_ bytes: [UInt8]) throws -> [(String, String)] {
        var reader = Reader(bytes)
        var pairs: [(String, String)] = []
        try reader.object { name, reader in pairs.append((name, try reader.string())) }
        return pairs
    }

    /// Reads one value after the other; each method takes a value of its kind or throws `FleetError.malformed`.
    struct Reader {
        private let bytes: [UInt8]
        private var position = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        /// The whole text as one object; `value` takes the value of each name.
        mutating func object(_ value: (String, inout Reader) throws -> Void) throws {
            try take("{")
            var names: Set<String> = []
            if peek() != UInt8(ascii: "}") {
                repeat {
                    let name = try string()
                    guard names.insert(name).inserted else { throw failure("a name stands twice") }
                    try take(":")
                    try value(name, &self)
                } while takes(",")
            }
            try take("}")
            guard peek() == nil else { throw failure("something follows its end") }
        }

        mutating func integers(atMost count: Int) throws -> [Int] {
            try take("[")
            var result: [Int] = []
            if peek() != UInt8(ascii: "]") {
                repeat {
                    guard result.count < count else { throw failure("a list has more than \(count) numbers") }
                    result.append(try integer())
                } while takes(",")
            }
            try take("]")
            return result
        }

        private mutating func integer() throws -> Int {
            skipSpace()
            let start = position
            var value = 0
            while position < bytes.count, (48...57).contains(bytes[position]), position - start < 18 {
                value = value * 10 + Int(bytes[position] - 48)
                position += 1
            }
            guard position > start, value > 0 || position == start + 1, bytes[start] != 48 || position == start + 1
            else { throw failure("a number is no natural one below 10^18") }
            return value
        }

        mutating func string() throws -> String {
            try take("\"")
            var units: [UInt8] = []
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard let text = String(validating: units, as: UTF8.self) else {
                        throw failure("a text is no UTF-8")
                    }
                    return text
                case UInt8(ascii: "\\"): units += String(try escaped()).utf8
                case 0..<0x20: throw failure("a text holds a control character")
                default: units.append(byte)
                }
            }
            throw failure("a text does not end")
        }

        private mutating func escaped() throws -> Unicode.Scalar {
            guard position < bytes.count else { throw failure("a text does not end") }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            case UInt8(ascii: "b"): return "\u{8}"
            case UInt8(ascii: "f"): return "\u{c}"
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
            case UInt8(ascii: "u"):
                let high = try codeUnit()
                if let scalar = Unicode.Scalar(high) { return scalar }
                guard high < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                    bytes[position + 1] == UInt8(ascii: "u")
                else { throw failure("a text holds half a character") }
                position += 2
                let low = try codeUnit()
                guard (0xDC00...0xDFFF).contains(low) else { throw failure("a text holds half a character") }
                return Unicode.Scalar(0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00))!
            default: throw failure("a text holds an unknown escape")
            }
        }

        private mutating func codeUnit() throws -> UInt16 {
            guard position + 4 <= bytes.count,
                bytes[position..<position + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let unit = UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
            else { throw failure("a text holds an unknown escape") }
            position += 4
            return unit
        }

        private mutating func skipSpace() {
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        }

        private mutating func peek() -> UInt8? {
            skipSpace()
            return position < bytes.count ? bytes[position] : nil
        }

        private mutating func takes(_ sign: Unicode.Scalar) -> Bool {
            guard peek() == UInt8(ascii: sign) else { return false }
            position += 1
            return true
        }

        private mutating func take(_ sign: Unicode.Scalar) throws {
            guard takes(sign) else { throw failure("\(sign) is missing at byte \(position)") }
        }

        private func failure(_ fact: String) -> FleetError {
            .malformed("the JSON in an object is not Flower's: \(fact)")
        }
    }
}
