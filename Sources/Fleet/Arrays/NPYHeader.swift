import Federation

/// The header of a `.npy` file of version 1.0, in C order, little-endian: all that Flower's arrays need of the format.
///
/// Nothing in it is ever unpickled: types are those below, and no others.
public struct NPYHeader: Sendable, Hashable {
    public var shape: [Int]
    public var type: ScalarType

    static let mostDimensions = 32
    /// A header of version 1.0 cannot be longer.
    static let longest = 10 + Int(UInt16.max)
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]

    public init(shape: [Int], type: ScalarType) {
        self.shape = shape
        self.type = type
    }

    /// The values' bytes that follow the header.
    public var dataByteCount: Int { TensorDescription(name: "", shape: shape, type: type).byteCount }

    /// As NumPy writes it: with room for the first dimension to grow, and aligned to 64 bytes.
    public var bytes: [UInt8] {
        let sizes = shape.count == 1 ? "\(shape[0])," : shape.map(String.init).joined(separator: ", ")
        var text = "{'descr': '\(type.npyDescription)', 'fortran_order': False, 'shape': (\(sizes)), }"
        if let first = shape.first { text += String(repeating: " ", count: max(0, 21 - String(first).utf8.count)) }
        let aligned = 64 - (Self.magic.count + 2 + text.utf8.count + 1) % 64
        text += String(repeating: " ", count: aligned) + "\n"
        let length = UInt16(text.utf8.count)
        return Self.magic + [UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
    }

    /// Reads the header at the beginning of a `.npy` file.
    ///
    /// - Returns: the header and how many bytes it takes.
    /// - Throws: `FleetError.malformed`.
    public static func parse(_ bytes: some RandomAccessCollection<UInt8>) throws -> (header: NPYHeader, length: Int) {
        let bytes = Array(bytes.prefix(longest))
        guard bytes.starts(with: magic), bytes.count >= 10 else {
            throw failure("it does not begin as version 1.0 does")
        }
        let length = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
        guard length <= bytes.count, length > 10, bytes[length - 1] == UInt8(ascii: "\n") else {
            throw failure("its header is cut short")
        }
        var text = PythonDictionary(bytes[10..<length - 1])
        var (type, order, shape) = (ScalarType?.none, Bool?.none, [Int]?.none)
        try text.take("{")
        while !text.takes("}") {
            switch try text.string() {
            case "descr" where type == nil:
                try text.take(":")
                let name = try text.string()
                guard let known = ScalarType.allCases.first(where: { $0.npyDescriptions.contains(name) }) else {
                    throw failure(
                        "its type is none that is taken: float64, float32, float16, int64, int32, uint8, bool")
                }
                type = known
            case "fortran_order" where order == nil:
                try text.take(":")
                order = try text.bool()
            case "shape" where shape == nil:
                try text.take(":")
                shape = try text.tuple()
            default: throw failure("its header holds something else than type, order and shape")
            }
            if !text.takes(",") {
                try text.take("}")
                break
            }
        }
        guard text.isAtEnd, let type, let order, let shape else { throw failure("its header is not whole") }
        guard !order else { throw failure("its values are in Fortran order; make them contiguous in C order") }
        guard shape.count <= mostDimensions, let count = shape.reduce(1, { $0.flatMap(times($1)) }), count < 1 << 44
        else {
            throw failure("its shape is too large")
        }
        return (NPYHeader(shape: shape, type: type), length)
    }

    private static func times(_ a: Int) -> (Int) -> Int? {
        { b in
            let (product, overflow) = a.multipliedReportingOverflow(by: b)
            return overflow ? nil : product
        }
    }

    fileprivate static func failure(_ fact: String) -> FleetError { .malformed("an array is no .npy file: \(fact)") }
}

extension ScalarType {
    /// NumPy's code for the type. It has none for bfloat16: its two bytes stand as what `ml_dtypes` makes of them.
    var npyDescription: String { npyDescriptions[0] }

    fileprivate var npyDescriptions: [String] {
        switch self {
        case .float64: ["<f8"]
        case .float32: ["<f4"]
        case .float16: ["<f2"]
        case .bfloat16: ["<V2", "|V2"]
        case .int64: ["<i8"]
        case .int32: ["<i4"]
        case .uint8: ["|u1"]
        case .bool: ["|b1"]
        }
    }

    /// NumPy's name for the type.
    var numpyName: String {
        switch self {
        case .float64: "float64"
        case .float32: "float32"
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        case .int64: "int64"
        case .int32: "int32"
        case .uint8: "uint8"
        case .bool: "bool"
        }
    }
}

/// Python's text of a dictionary, as far as NumPy writes it.
private struct PythonDictionary {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) { (self.bytes, position) = (bytes, bytes.startIndex) }

    var isAtEnd: Bool { bytes[position...].allSatisfy { $0 == UInt8(ascii: " ") } }

    mutating func takes(_ sign: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.endIndex, bytes[position] == UInt8(ascii: sign) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.endIndex, bytes[position] == UInt8(ascii: " ") { position += 1 }
    }

    mutating func take(_ sign: Unicode.Scalar) throws {
        guard takes(sign) else { throw NPYHeader.failure("\(sign) is missing in its header") }
    }

    mutating func string() throws -> String {
        try take("'")
        let rest = bytes[position...].prefix(32)
        guard let end = rest.firstIndex(of: UInt8(ascii: "'")) else { throw NPYHeader.failure("a text does not end") }
        defer { position = end + 1 }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    mutating func bool() throws -> Bool {
        for (word, value) in [("True", true), ("False", false)] where takes(word.unicodeScalars.first!) {
            let rest = Array(word.utf8.dropFirst())
            guard bytes[position...].starts(with: rest) else { break }
            position += rest.count
            return value
        }
        throw NPYHeader.failure("its order is neither True nor False")
    }

    mutating func tuple() throws -> [Int] {
        try take("(")
        var result: [Int] = []
        while !takes(")") {
            skipSpace()
            let start = position
            var value = 0
            while position < bytes.endIndex, (48...57).contains(bytes[position]), position - start < 18 {
                value = value * 10 + Int(bytes[position] - 48)
                position += 1
            }
            guard position > start, result.count < 64 else { throw NPYHeader.failure("its shape is no tuple of sizes") }
            result.append(value)
            if !takes(",") {
                try take(")")
                break
            }
        }
        return result
    }
}
