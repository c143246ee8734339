extension JSONValue {
    /// Reads JSON text. `NaN`, `Infinity` and `-Infinity` are taken as Python writes them; of equal keys the last one counts.
    ///
    /// - Parameters:
    ///   - file: the name that an error gives.
    ///   - allowsEqualKeys: whether an object may hold a key twice.
    public init(parsing bytes: [UInt8], file: String = "text", allowsEqualKeys: Bool = true) throws {
        var parser = JSONParser(bytes: bytes, file: file, allowsEqualKeys: allowsEqualKeys)
        self = try parser.document()
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let file: String
    let allowsEqualKeys: Bool
    var position = 0

    init(bytes: [UInt8], file: String, allowsEqualKeys: Bool) {
        self.bytes = bytes
        self.file = file
        self.allowsEqualKeys = allowsEqualKeys
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    mutating func document() throws -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw fault("something follows the value") }
        return value
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth < 200 else { throw fault("it is nested more than 200 levels deep") }
        skipSpace()
        guard position < bytes.count else { throw fault("the text ends too early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        default: break
        }
        for (word, value) in Self.words where bytes[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return value
        }
        return try number()
    }

    private static let words: [(String, JSONValue)] = [
        ("true", .bool(true)), ("false", .bool(false)), ("null", .null), ("NaN", .number(.nan)),
        ("Infinity", .number(.infinity)),
        ("-Infinity", .number(-.infinity)),
    ]

    private mutating func object(depth: Int) throws -> JSONValue {
        position += 1
        var object = JSONObject()
        skipSpace()
        if take("}") { return .object(object) }
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw fault("a key in quotes is expected")
            }
            let key = try string()
            guard allowsEqualKeys || object[key] == nil else { throw fault("\"\(key)\" is there twice") }
            skipSpace()
            guard take(":") else { throw fault("a colon is expected after \"\(key)\"") }
            object[key] = try value(depth: depth + 1)
            skipSpace()
            if take("}") { return .object(object) }
            guard take(",") else { throw fault("a comma or a closing brace is expected") }
        }
    }

    private mutating func array(depth: Int) throws -> JSONValue {
        position += 1
        var items: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(items) }
        while true {
            items.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .array(items) }
            guard take(",") else { throw fault("a comma or a closing bracket is expected") }
        }
    }

    private mutating func string() throws -> String {
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw fault("a string is not valid UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw fault("a string holds an unescaped control character")
            default: text.append(byte)
            }
        }
        throw fault("a string does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        guard position < bytes.count else { throw fault("a string does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw fault("a surrogate pair is broken") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw fault("an escape names no character") }
            text += Array(String(Character(scalar)).utf8)
        default: throw fault("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws -> UInt32 {
        guard position + 4 <= bytes.count, let text = String(validating: bytes[position..<position + 4], as: UTF8.self),
            let code = UInt32(text, radix: 16)
        else { throw fault("four hexadecimal digits are expected") }
        position += 4
        return code
    }

    private mutating func number() throws -> JSONValue {
        let start = position
        while position < bytes.count, "+-0123456789.eE".utf8.contains(bytes[position]) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let integer = Int(text), text.first != "+" { return .integer(integer) }
        guard let first = text.utf8.first, first != UInt8(ascii: "+"), let number = Double(text) else {
            position = start
            throw fault("a value is expected")
        }
        return .number(number)
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private func fault(_ reason: String) -> NNUNetError {
        let before = bytes[..<min(position, bytes.count)]
        let line = before.count { $0 == 0x0A } + 1
        let column = before.count - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
        return .json(file: file, line: line, column: column, reason: reason)
    }
}
