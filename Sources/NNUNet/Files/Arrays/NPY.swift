#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// NumPy's `.npy` files: one array of numbers. Versions 1 to 3, both byte orders, C and Fortran order are read;
/// version 1, little-endian, C order is written.
public enum NPY {
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    public static func read(_ url: URL) throws -> NumericArray {
        let file = try RandomAccessFile(url)
        return try array(of: try file.bytes(at: 0, count: file.count), file: file.path)
    }

    public static func write(_ array: NumericArray, to url: URL) throws {
        let file = try AtomicFile(url)
        try file.write(try header(of: array))
        try file.write(array.bytes)
        try file.commit()
    }

    /// The array that the bytes of a `.npy` file hold.
    public static func array(of bytes: [UInt8], file: String) throws -> NumericArray {
        var reader = ByteReader(bytes, file: file)
        guard bytes.starts(with: magic) else { throw FileError.malformed(file: file, fact: "it is not a .npy file") }
        try reader.skip(magic.count)
        let version = try reader.byte()
        try reader.skip(1)
        guard (1...3).contains(version) else {
            throw FileError.unsupported(
                file: file, fact: "it is a .npy file of version \(version); 3 is the latest known")
        }
        let length = version == 1 ? Int(try reader.integer(UInt16.self)) : try reader.count(UInt32.self)
        let text = String(decoding: bytes[try reader.range(length)], as: UTF8.self)
        let header = try Header(text, file: file)
        guard let count = header.type.byteCount(of: header.shape), count <= reader.remaining else {
            throw FileError.malformed(
                file: file,
                fact: "its header promises an array of shape \(header.shape) of \(header.type), and it has "
                    + "\(reader.remaining) bytes")
        }
        var content = Array(bytes[try reader.range(count)])
        if header.bigEndian { content = ArrayLayout.swapped(content, unit: header.type.swappedUnit) }
        if header.fortran {
            content = ArrayLayout.cOrder(fortran: content, shape: header.shape, unit: header.type.byteCount)
        }
        return try NumericArray(type: header.type, shape: header.shape, bytes: content, file: file)
    }

    /// The bytes of a `.npy` file.
    public static func bytes(of array: NumericArray) throws -> [UInt8] { try header(of: array) + array.bytes }

    private static func header(of array: NumericArray) throws -> [UInt8] {
        guard let code = array.type.numpyCode else {
            throw FileError.unsupported(file: "a .npy file", fact: "NumPy has no element type \(array.type)")
        }
        let order = array.type.byteCount == 1 ? "|" : "<"
        let shape = array.shape.map(String.init).joined(separator: ", ") + (array.shape.count == 1 ? "," : "")
        var text = "{'descr': '\(order)\(code)', 'fortran_order': False, 'shape': (\(shape)), }"
        // The content starts at a multiple of 64, and the header ends in a line feed.
        let unpadded = magic.count + 4 + text.utf8.count + 1
        text += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
        var bytes = magic + [1, 0]
        bytes.append(littleEndian: UInt16(text.utf8.count))
        return bytes + Array(text.utf8)
    }

    /// The header's Python dictionary: three keys in any order.
    private struct Header {
        var type = NumericType.uint8
        var bigEndian = false
        var fortran = false
        var shape: [Int] = []

        init(_ text: String, file: String) throws {
            func value(_ key: String) throws -> Substring {
                guard let found = text.firstRange(of: "'\(key)':") ?? text.firstRange(of: "\"\(key)\":") else {
                    throw FileError.malformed(file: file, fact: "its header has no \(key)")
                }
                return text[found.upperBound...].drop { $0 == " " }
            }
            let descriptor = try value("descr")
            guard let quote = descriptor.first, quote == "'" || quote == "\"" else {
                throw FileError.unsupported(file: file, fact: "its elements are records; only numbers are taken")
            }
            let code = descriptor.dropFirst().prefix { $0 != quote }
            guard let type = NumericType(numpyCode: String(code.drop { "<>|=".contains($0) })) else {
                throw FileError.unsupported(
                    file: file, fact: "its elements are of NumPy type \(code.prefix(40)); only numbers are taken")
            }
            self.type = type
            bigEndian = code.first == ">"
            fortran = try value("fortran_order").hasPrefix("True")
            let tuple = try value("shape")
            guard tuple.first == "(", let close = tuple.firstIndex(of: ")") else {
                throw FileError.malformed(file: file, fact: "its header has no shape")
            }
            for part in tuple[..<close].dropFirst().split(separator: ",") {
                let digits = part.filter { $0 != " " && $0 != "L" }
                if digits.isEmpty { continue }
                guard let size = Int(digits), size >= 0 else {
                    throw FileError.malformed(file: file, fact: "its header has a size of \(part.prefix(40))")
                }
                shape.append(size)
            }
            guard shape.count <= 64 else { throw FileError.malformed(file: file, fact: "it has \(shape.count) axes") }
        }
    }
}
