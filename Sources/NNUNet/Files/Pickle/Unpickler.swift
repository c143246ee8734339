/// Reads a Python pickle, protocols 0 to 5, as data.
///
/// A pickle is a program for a small stack machine that may call any Python function. This reader runs the machine and
/// calls nothing: the names that only carry data (NumPy arrays and scalars, PyTorch tensors, ordered dictionaries) are
/// rebuilt by itself, and any other name is an error.
///
/// Values lie in an arena and refer to one another by index, so that neither a deep nor a circular pickle can overflow
/// the stack; what the arena and the result may hold is bounded by the input's length.
public struct Unpickler {
    /// The value of a pickle.
    /// - Parameters:
    ///   - bytes: the pickle; what follows its end is left alone.
    ///   - file: named in errors.
    ///   - names: further names ("module.object") that are taken as `.global` and never called.
    /// - Throws: `FileError`, where the pickle is damaged, asks for code or holds what has no `PickleValue`.
    public static func value(of bytes: [UInt8], file: String = "the pickle", allowing names: Set<String> = [])
        throws -> PickleValue
    {
        var unpickler = Unpickler(bytes, file: file, names: names)
        let root = try unpickler.run()
        var assembly = PickleAssembly(nodes: unpickler.nodes, file: file)
        return try assembly.value(of: root)
    }

    enum Node {
        case value(PickleValue)
        case list([Int])
        case tuple([Int])
        case set([Int])
        /// Keys and values in turn.
        case dictionary([Int], ordered: Bool)
        case global(String)
        case elementType(NumericType, bigEndian: Bool)
        /// A NumPy array before its state is set.
        case emptyArray
        case storage(TensorStorage)
    }

    var reader: ByteReader
    let names: Set<String>
    private(set) var nodes: [Node] = []
    private var stack: [Int] = []
    private var marks: [Int] = []
    private var memo: [Int: Int] = [:]
    /// What the pickle may still make in copies and conversions, in bytes: no short pickle fills the memory.
    private var allowance: Int

    private static let mostNodes = 1 << 25

    private init(_ bytes: [UInt8], file: String, names: Set<String>) {
        reader = ByteReader(bytes, file: file)
        self.names = names
        allowance = 4 * bytes.count + 65536
    }

    func malformed(_ fact: String) -> FileError { .malformed(file: reader.file, fact: fact) }
    func unsupported(_ fact: String) -> FileError { .unsupported(file: reader.file, fact: fact) }

    /// Takes `count` bytes from what may be made.
    mutating func spend(_ count: Int) throws {
        guard count <= allowance else { throw malformed("it unfolds to far more data than it has") }
        allowance -= count
    }

    // MARK: Stack

    mutating func push(_ node: Node) throws {
        guard nodes.count < Self.mostNodes else { throw unsupported("it holds more than \(Self.mostNodes) values") }
        stack.append(nodes.count)
        nodes.append(node)
    }

    mutating func pushValue(_ value: PickleValue) throws { try push(.value(value)) }

    mutating func pop() throws -> Int {
        guard stack.count > (marks.last ?? 0), let index = stack.popLast() else {
            throw malformed("it takes a value where there is none, before byte \(reader.position)")
        }
        return index
    }

    private func top() throws -> Int {
        guard stack.count > (marks.last ?? 0), let index = stack.last else {
            throw malformed("it takes a value where there is none, before byte \(reader.position)")
        }
        return index
    }

    /// The values since the last mark.
    private mutating func popMark() throws -> [Int] {
        guard let mark = marks.popLast() else { throw malformed("a mark is missing before byte \(reader.position)") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func remember(_ key: Int) throws { memo[key] = try top() }

    private mutating func recall(_ key: Int) throws {
        guard let index = memo[key] else { throw malformed("it recalls value \(key), which it did not keep") }
        stack.append(index)
    }

    mutating func setNode(_ index: Int, _ node: Node) { nodes[index] = node }

    // MARK: Machine

    private mutating func run() throws -> Int {
        while true {
            let opcode = try reader.byte()
            if opcode == UInt8(ascii: ".") { return try pop() }
            if try runText(opcode) { continue }
            if try runValue(opcode) { continue }
            if try runContainer(opcode) { continue }
            throw unsupported(
                "it uses the pickle instruction \(opcode) at byte \(reader.position - 1), which is not data")
        }
    }

    /// Collections, memo and construction.
    private mutating func runContainer(_ opcode: UInt8) throws -> Bool {
        switch UnicodeScalar(opcode) {
        case "(": marks.append(stack.count)
        case "0":
            if stack.count > (marks.last ?? 0) { stack.removeLast() } else { _ = try popMark() }
        case "1": _ = try popMark()
        case "2": stack.append(try top())
        case "]": try push(.list([]))
        case ")": try push(.tuple([]))
        case "}": try push(.dictionary([], ordered: false))
        case "\u{8f}": try push(.set([]))
        case "l": try push(.list(try popMark()))
        case "t": try push(.tuple(try popMark()))
        case "d": try push(.dictionary(try evenly(try popMark()), ordered: false))
        case "\u{91}":
            // A frozen set may stand for a set.
            try push(.set(try popMark()))
        case "\u{85}": try push(.tuple([try pop()]))
        case "\u{86}":
            let second = try pop()
            try push(.tuple([try pop(), second]))
        case "\u{87}":
            let third = try pop(), second = try pop()
            try push(.tuple([try pop(), second, third]))
        case "a":
            let item = try pop()
            try extend(try top(), with: [item])
        case "e", "\u{90}":
            let items = try popMark()
            try extend(try top(), with: items)
        case "s":
            let value = try pop(), key = try pop()
            try extend(try top(), with: [key, value])
        case "u":
            let items = try evenly(try popMark())
            try extend(try top(), with: items)
        case "q": try remember(Int(try reader.byte()))
        case "r": try remember(Int(try reader.integer(UInt32.self)))
        case "\u{94}": try remember(memo.count)
        case "h": try recall(Int(try reader.byte()))
        case "j": try recall(Int(try reader.integer(UInt32.self)))
        case "R", "\u{81}":
            let arguments = try pop()
            try call(try pop(), arguments)
        case "b":
            let state = try pop()
            try build(try top(), state)
        case "Q": try persistent(try pop())
        default: return false
        }
        return true
    }

    private func evenly(_ items: [Int]) throws -> [Int] {
        guard items.count % 2 == 0 else { throw malformed("a dictionary has a key without a value") }
        return items
    }

    private mutating func extend(_ index: Int, with items: [Int]) throws {
        // The node is taken out while its array grows, so that the array is not copied.
        let node = nodes[index]
        nodes[index] = .value(.none)
        switch node {
        case .list(var list):
            list += items
            nodes[index] = .list(list)
        case .set(var set):
            set += items
            nodes[index] = .set(set)
        case .dictionary(var dictionary, let ordered):
            guard items.count % 2 == 0 else { throw malformed("a dictionary has a key without a value") }
            dictionary += items
            nodes[index] = .dictionary(dictionary, ordered: ordered)
        default: throw malformed("it adds to a value that is not a collection, before byte \(reader.position)")
        }
    }

    /// Instructions whose argument is a line of text.
    private mutating func runText(_ opcode: UInt8) throws -> Bool {
        switch UnicodeScalar(opcode) {
        case "g": try recall(try integer(ofLine: try line()))
        case "p": try remember(try integer(ofLine: try line()))
        case "I":
            let text = try line()
            if text == "00" || text == "01" {
                try pushValue(.bool(text == "01"))
            } else {
                try pushValue(.integer(try integer(ofLine: text)))
            }
        case "L":
            let text = try line()
            try pushValue(.integer(try integer(ofLine: text.hasSuffix("L") ? String(text.dropLast()) : text)))
        case "F":
            let text = try line()
            guard let value = Double(text) else { throw malformed("\"\(text.prefix(40))\" is not a number") }
            try pushValue(.number(value))
        case "S":
            let text = try line()
            guard text.count >= 2, text.first == text.last, !text.contains("\\") else {
                throw unsupported(
                    "it holds a text with escapes in the oldest pickle protocol; save it with protocol 2 or later")
            }
            try pushValue(.string(String(text.dropFirst().dropLast())))
        case "V":
            let text = try line()
            guard !text.contains("\\") else {
                throw unsupported(
                    "it holds a text with escapes in the oldest pickle protocol; save it with protocol 2 or later")
            }
            try pushValue(.string(text))
        case "c":
            let module = try line()
            try global("\(module).\(try line())")
        default: return false
        }
        return true
    }

    private mutating func line() throws -> String { String(decoding: reader.bytes[try reader.line()], as: UTF8.self) }

    private func integer(ofLine text: String) throws -> Int {
        guard let value = Int(text) else { throw malformed("\"\(text.prefix(40))\" is not an integer") }
        return value
    }
}
