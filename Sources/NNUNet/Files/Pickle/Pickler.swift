/// Writes Python pickles: protocol 2, as PyTorch's checkpoints use, or 4, as nnU-Net's case files.
///
/// NumPy's objects are written under the names of NumPy 1, which NumPy 2 reads as well.
public struct Pickler {
    public enum PickleProtocol: UInt8, Sendable {
        case two = 2
        case four = 4
    }

    /// The pickle of a value.
    /// - Throws: `FileError.unsupported` for what has no form: NumPy arrays of bfloat16, integers as wide as 2^63.
    public static func bytes(of value: PickleValue, protocol version: PickleProtocol) throws -> [UInt8] {
        var pickler = Pickler(version: version)
        pickler.out = [0x80, version.rawValue]
        try pickler.write(value, depth: 0)
        pickler.op(".")
        return pickler.out
    }

    private let version: PickleProtocol
    private var out: [UInt8] = []
    /// Where the unpickler will find each name that was written.
    private var memo: [String: Int] = [:]

    private init(version: PickleProtocol) { self.version = version }

    private mutating func op(_ scalar: UnicodeScalar) { out.append(UInt8(scalar.value)) }

    private mutating func write(_ value: PickleValue, depth: Int) throws {
        guard depth < 128 else { throw FileError.unsupported(file: "a pickle", fact: "its values are nested too deep") }
        switch value {
        case .none: op("N")
        case .bool(let value): op(value ? "\u{88}" : "\u{89}")
        case .integer(let value): write(value)
        case .number(let value):
            op("G")
            out.append(littleEndian: value.bitPattern.byteSwapped)
        case .string(let text): write(text)
        case .bytes(let bytes): write(bytes)
        case .list(let items):
            op("]")
            try write(items, "e", depth)
        case .tuple(let items): try writeTuple(items, depth)
        case .set(let items):
            global("builtins", "set")
            try write(.list(items), depth: depth + 1)
            call(1)
        case .dictionary(let dictionary):
            op("}")
            try write(dictionary.pairs.flatMap { [$0.key, $0.value] }, "u", depth)
        case .orderedDictionary(let dictionary):
            global("collections", "OrderedDict")
            op(")")
            op("R")
            try write(dictionary.pairs.flatMap { [$0.key, $0.value] }, "u", depth)
        case .scalar(let scalar):
            global("numpy.core.multiarray", "scalar")
            try write(scalar.type)
            write(scalar.bytes)
            call(2)
        case .array(let array): try write(array)
        case .tensor(let tensor): try write(tensor)
        case .device(let name):
            global("torch", "device")
            let parts = name.split(separator: ":", maxSplits: 1)
            write(String(parts.first ?? "cpu"))
            if parts.count > 1, let number = Int(parts[1]) {
                write(number)
                call(2)
            } else {
                call(1)
            }
        case .size(let sizes):
            global("torch", "Size")
            try writeTuple(sizes.map { .integer($0) }, depth + 1)
            call(1)
        case .global(let name):
            guard let dot = name.lastIndex(of: ".") else {
                throw FileError.unsupported(file: "a pickle", fact: "\(name) has no module")
            }
            global(String(name[..<dot]), String(name[name.index(after: dot)...]))
        }
    }

    // MARK: Parts

    /// Items between a mark and the instruction that takes them.
    private mutating func write(_ items: [PickleValue], _ end: UnicodeScalar, _ depth: Int) throws {
        guard !items.isEmpty else { return }
        op("(")
        for item in items { try write(item, depth: depth + 1) }
        op(end)
    }

    private mutating func writeTuple(_ items: [PickleValue], _ depth: Int) throws {
        if items.isEmpty { return op(")") }
        try write(items, "t", depth)
    }

    private mutating func write(_ value: Int) {
        if let byte = UInt8(exactly: value) {
            op("K")
            out.append(byte)
        } else if let word = UInt16(exactly: value) {
            op("M")
            out.append(littleEndian: word)
        } else if let word = Int32(exactly: value) {
            op("J")
            out.append(littleEndian: word)
        } else {
            op("\u{8a}")
            out.append(8)
            out.append(littleEndian: Int64(value))
        }
    }

    private mutating func write(_ text: String) {
        let bytes = Array(text.utf8)
        if version == .four, bytes.count < 256 {
            op("\u{8c}")
            out.append(UInt8(bytes.count))
        } else if bytes.count <= UInt32.max {
            op("X")
            out.append(littleEndian: UInt32(bytes.count))
        } else {
            op("\u{8d}")
            out.append(littleEndian: UInt64(bytes.count))
        }
        out += bytes
    }

    private mutating func write(_ bytes: [UInt8]) {
        if version == .two {
            // Protocol 2 has no bytes: text that Python encodes back.
            global("_codecs", "encode")
            var text = String.UnicodeScalarView()
            for byte in bytes { text.append(UnicodeScalar(byte)) }
            write(String(text))
            write("latin1")
            return call(2)
        }
        if bytes.count < 256 {
            op("C")
            out.append(UInt8(bytes.count))
        } else if bytes.count <= UInt32.max {
            op("B")
            out.append(littleEndian: UInt32(bytes.count))
        } else {
            op("\u{8e}")
            out.append(littleEndian: UInt64(bytes.count))
        }
        out += bytes
    }

    /// A name; from its second mention on by reference.
    private mutating func global(_ module: String, _ name: String) {
        let module = version == .two && module == "builtins" ? "__builtin__" : module
        let key = "\(module).\(name)"
        if let index = memo[key] {
            op("j")
            out.append(littleEndian: UInt32(index))
            return
        }
        if version == .two {
            op("c")
            out += Array("\(module)\n\(name)\n".utf8)
        } else {
            write(module)
            write(name)
            op("\u{93}")
        }
        op("r")
        out.append(littleEndian: UInt32(memo.count))
        memo[key] = memo.count
    }

    /// Packs the last values into a tuple and calls.
    private mutating func call(_ argumentCount: Int) {
        op(argumentCount == 1 ? "\u{85}" : argumentCount == 2 ? "\u{86}" : "\u{87}")
        op("R")
    }

    private mutating func write(_ type: NumericType) throws {
        guard let code = type.numpyCode else {
            throw FileError.unsupported(file: "a pickle", fact: "NumPy has no element type \(type)")
        }
        global("numpy", "dtype")
        write(code)
        op("\u{89}")
        op("\u{88}")
        call(3)
        op("(")
        write(3)
        write(type.byteCount == 1 ? "|" : "<")
        op("N")
        op("N")
        op("N")
        write(-1)
        write(-1)
        write(0)
        op("t")
        op("b")
    }

    private mutating func write(_ array: NumericArray) throws {
        global("numpy.core.multiarray", "_reconstruct")
        global("numpy", "ndarray")
        write(0)
        op("\u{85}")
        write([UInt8(ascii: "b")])
        call(3)
        op("(")
        write(1)
        try writeTuple(array.shape.map { .integer($0) }, 0)
        try write(array.type)
        op("\u{89}")
        write(array.bytes)
        op("t")
        op("b")
    }

    private mutating func write(_ tensor: TensorReference) throws {
        let typed = tensor.storage.type.torchStorage
        guard typed != nil, tensor.type == tensor.storage.type else {
            throw FileError.unsupported(file: "a checkpoint", fact: "PyTorch has no storage of type \(tensor.type)")
        }
        global("torch._utils", "_rebuild_tensor_v2")
        op("(")
        op("(")
        write("storage")
        global("torch", typed ?? "")
        write(tensor.storage.key)
        write(tensor.storage.location)
        write(tensor.storage.count)
        op("t")
        op("Q")
        write(tensor.offset)
        try writeTuple(tensor.shape.map { .integer($0) }, 0)
        try writeTuple(tensor.strides.map { .integer($0) }, 0)
        op(tensor.requiresGradient ? "\u{88}" : "\u{89}")
        global("collections", "OrderedDict")
        op(")")
        op("R")
        op("t")
        op("R")
    }
}
