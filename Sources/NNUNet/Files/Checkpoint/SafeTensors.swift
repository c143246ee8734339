#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A `.safetensors` file: a JSON header and plain bytes. Tensors are read when they are asked for.
public struct SafeTensors: Sendable {
    /// A tensor of the file.
    public struct Entry: Sendable, Equatable {
        public let name: String
        public let type: NumericType
        public let shape: [Int]
        let range: Range<Int>
    }

    /// In the order of their bytes.
    public let entries: [Entry]
    /// `__metadata__`: text by key.
    public let metadata: [String: String]
    private let file: RandomAccessFile

    /// The format's own limit of the header.
    private static let largestHeader = 100_000_000

    /// - Throws: `FileError`, also where tensors overlap, leave gaps or do not fill the file.
    public init(contentsOf url: URL) throws {
        file = try RandomAccessFile(url)
        let path = file.path
        func fail(_ fact: String) -> FileError { .malformed(file: path, fact: fact) }
        guard file.count >= 8 else { throw fail("it is too short for a header") }
        var start = ByteReader(try file.bytes(at: 0, count: 8), file: path)
        let length = try start.count(UInt64.self)
        guard length <= Self.largestHeader else { throw fail("its header claims \(length) bytes") }
        let header = try file.bytes(at: 8, count: length)
        guard case .object(let object) = try JSONValue(parsing: header, file: path) else {
            throw fail("its header is not a JSON object")
        }
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        for (name, value) in object.pairs {
            guard case .object(let fields) = value else { throw fail("its header's \(name) is not an object") }
            if name == "__metadata__" {
                for (key, text) in fields.pairs { metadata[key] = text.string }
                continue
            }
            guard let code = fields["dtype"]?.string, let sizes = fields["shape"]?.array?.map(\.integer),
                let offsets = fields["data_offsets"]?.array?.compactMap(\.integer), offsets.count == 2,
                sizes.count <= 64, !sizes.contains(nil)
            else { throw fail("its header's \(name) lacks dtype, shape or data_offsets") }
            guard let type = NumericType(safeTensorsCode: code) else {
                throw FileError.unsupported(file: path, fact: "its tensor \(name) is of type \(code)")
            }
            let shape = sizes.compactMap { $0 }
            guard let bytes = type.byteCount(of: shape), offsets[0] >= 0, offsets[0] <= offsets[1],
                bytes == offsets[1] - offsets[0]
            else {
                throw fail("its tensor \(name) of shape \(shape) does not fit bytes \(offsets[0]) to \(offsets[1])")
            }
            entries.append(Entry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1]))
        }
        entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        var position = 0
        for entry in entries {
            guard entry.range.lowerBound == position else {
                throw fail("its tensors overlap or leave gaps at \(entry.name)")
            }
            position = entry.range.upperBound
        }
        let start8 = 8 + length
        guard file.count - start8 == position else {
            throw fail("its tensors take \(position) bytes, and \(file.count - start8) follow the header")
        }
        self.entries = entries.map {
            Entry(
                name: $0.name, type: $0.type, shape: $0.shape,
                range: $0.range.lowerBound + start8..<$0.range.upperBound + start8)
        }
        self.metadata = metadata
    }

    public func array(of entry: Entry) throws -> NumericArray {
        try NumericArray(
            type: entry.type, shape: entry.shape,
            bytes: try file.bytes(at: entry.range.lowerBound, count: entry.range.count), file: file.path)
    }

    /// All tensors, in the order of their bytes.
    public func tensors() throws -> [NamedTensor] {
        try entries.map { NamedTensor(name: $0.name, array: try array(of: $0)) }
    }

    /// Writes tensors in this order. The file takes its name when it is whole.
    public static func write(_ tensors: [NamedTensor], metadata: [(String, String)] = [], to url: URL) throws {
        var header = JSONObject()
        if !metadata.isEmpty {
            header["__metadata__"] = .object(JSONObject(metadata.map { ($0.0, JSONValue.string($0.1)) }))
        }
        var position = 0
        for tensor in tensors {
            guard header[tensor.name] == nil else {
                throw FileError.unexpectedContent(file: url.path, fact: "two tensors are called \(tensor.name)")
            }
            let end = position + tensor.array.bytes.count
            header[tensor.name] = .object(
                JSONObject([
                    ("dtype", .string(tensor.array.type.safeTensorsCode)),
                    ("shape", .array(tensor.array.shape.map { .integer($0) })),
                    ("data_offsets", .array([.integer(position), .integer(end)])),
                ]))
            position = end
        }
        var text = Array(JSONValue.object(header).serialised(indent: nil).utf8)
        text += [UInt8](repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
        var start: [UInt8] = []
        start.append(littleEndian: UInt64(text.count))
        let file = try AtomicFile(url)
        try file.write(start + text)
        for tensor in tensors { try file.write(tensor.array.bytes) }
        try file.commit()
    }
}
