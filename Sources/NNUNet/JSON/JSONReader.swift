#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads keys of one JSON object into Swift types; an error names the file, the key and what was expected.
struct JSONReader {
    let object: JSONObject
    let file: String

    init(_ object: JSONObject, file: String) {
        self.object = object
        self.file = file
    }

    /// The object at the top of a file.
    init(contentsOf url: URL) throws {
        let name = url.lastPathComponent
        guard let data = try? Data(contentsOf: url) else {
            throw NNUNetError.file(url.path, reason: "there is no such file, or it cannot be read")
        }
        guard case .object(let object) = try JSONValue(parsing: Array(data), file: name) else {
            throw NNUNetError.json(file: name, line: 1, column: 1, reason: "the file must hold an object in braces")
        }
        self.init(object, file: name)
    }

    func fault(_ key: String, _ reason: String) -> NNUNetError { .key(file: file, key: key, reason: reason) }

    func has(_ key: String) -> Bool { object[key] != nil && object[key] != .null }

    func value(_ key: String) throws -> JSONValue {
        guard let value = object[key] else { throw fault(key, "is missing") }
        return value
    }

    private func read<Value>(_ key: String, _ expected: String, _ convert: (JSONValue) -> Value?) throws -> Value {
        guard let result = convert(try value(key)) else { throw fault(key, "must be \(expected)") }
        return result
    }

    func string(_ key: String) throws -> String { try read(key, "a text", \.string) }
    /// A text that becomes the name of a file or folder.
    func fileName(_ key: String) throws -> String {
        let name = try string(key)
        guard name.isFileName else { throw fault(key, "is no name of a file or folder") }
        return name
    }
    func bool(_ key: String) throws -> Bool { try read(key, "true or false", \.bool) }
    func integer(_ key: String) throws -> Int { try read(key, "a whole number", \.integer) }
    func number(_ key: String) throws -> Double { try read(key, "a number", \.number) }
    func integers(_ key: String) throws -> [Int] { try read(key, "a list of whole numbers") { $0.list(\.integer) } }
    func numbers(_ key: String) throws -> [Double] { try read(key, "a list of numbers") { $0.list(\.number) } }
    func strings(_ key: String) throws -> [String] { try read(key, "a list of texts") { $0.list(\.string) } }
    func bools(_ key: String) throws -> [Bool] { try read(key, "a list of true and false") { $0.list(\.bool) } }
    func integerLists(_ key: String) throws -> [[Int]] {
        try read(key, "a list of lists of whole numbers") { $0.list { $0.list(\.integer) } }
    }
    func numberLists(_ key: String) throws -> [[Double]] {
        try read(key, "a list of lists of numbers") { $0.list { $0.list(\.number) } }
    }
    func reader(_ key: String) throws -> JSONReader {
        JSONReader(try read(key, "an object in braces", \.object), file: file)
    }
}

extension JSONValue {
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
    public var array: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    public var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    /// A whole number, also one that is written with a point.
    public var integer: Int? {
        switch self {
        case .integer(let number): number
        case .number(let number): Int(exactly: number)
        default: nil
        }
    }
    public var number: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }

    func list<Item>(_ convert: (JSONValue) -> Item?) -> [Item]? {
        guard let array else { return nil }
        let items = array.compactMap(convert)
        return items.count == array.count ? items : nil
    }

    public init(_ numbers: [Int]) { self = .array(numbers.map(JSONValue.integer)) }
    public init(_ numbers: [Double]) { self = .array(numbers.map(JSONValue.number)) }
    public init(_ lists: [[Int]]) { self = .array(lists.map { JSONValue($0) }) }
    public init(_ lists: [[Double]]) { self = .array(lists.map { JSONValue($0) }) }
}

extension JSONValue {
    /// Writes the text under a temporary name and gives it its own when it is whole.
    public func write(to url: URL, indent: Int? = 4, sortKeys: Bool = false) throws {
        try AtomicFile.write(Array(serialised(indent: indent, sortKeys: sortKeys).utf8), to: url)
    }
}
