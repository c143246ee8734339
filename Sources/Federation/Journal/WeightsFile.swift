#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Weights in a file, which are read tensor by tensor or piece by piece. Its form is safetensors.
public final class WeightsFile: TensorSource, @unchecked Sendable {
    public let descriptions: [TensorDescription]
    private let offsets: [Int]
    // `pread` has no position of its own, so that several threads may read.
    private let file: DurableFile
    private let size: Int

    /// What the header says of one tensor.
    private struct Entry: Codable {
        var dtype: ScalarType
        var shape: [Int]
        var data_offsets: [Int]
    }

    /// - Throws: `FederationError.file` where it cannot be read, or is not whole.
    public init(_ url: URL) throws {
        let file = try DurableFile(url, flags: O_RDONLY)
        func damaged(_ fact: String) -> FederationError {
            .file(url.lastPathComponent, reason: "\(fact). The file is damaged; take an older one.")
        }
        let size = (try? FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int) ?? 0
        guard size >= 8 else { throw damaged("it has \(size) bytes") }
        var length: UInt64 = 0
        try withUnsafeMutableBytes(of: &length) { try file.read(into: $0, at: 0) }
        guard length <= UInt64(size - 8), length < 1 << 28 else { throw damaged("its header is longer than the file") }
        let header = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(length), alignment: 8)
        defer { header.deallocate() }
        try file.read(into: header, at: 8)
        let start = 8 + Int(length)
        guard let entries = try? JSONDecoder().decode([String: Entry].self, from: Data(header)) else {
            throw damaged("its header is not that of safetensors")
        }
        let sorted = entries.sorted {
            // An empty tensor begins where the next one does.
            let (a, b) = ($0.value.data_offsets, $1.value.data_offsets)
            return a == b ? $0.key < $1.key : a.lexicographicallyPrecedes(b)
        }
        var end = 0
        for (name, entry) in sorted {
            let description = TensorDescription(name: name, shape: entry.shape, type: entry.dtype)
            guard description.isPossible, description.byteCount <= size - start - end,
                entry.data_offsets == [end, end + description.byteCount]
            else {
                throw damaged("\(name) is not where it should be")
            }
            end += description.byteCount
        }
        guard start + end == size else { throw damaged("it has \(size) bytes instead of \(start + end)") }
        self.file = file
        self.size = size
        descriptions = sorted.map { TensorDescription(name: $0.key, shape: $0.value.shape, type: $0.value.dtype) }
        offsets = sorted.map { start + $0.value.data_offsets[0] }
    }

    public func withBytes<Result>(
        of index: Int, in range: Range<Int>, scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let buffer = UnsafeMutableRawBufferPointer(rebasing: scratch[..<range.count])
        try file.read(into: buffer, at: offsets[index] + range.lowerBound)
        return try body(UnsafeRawBufferPointer(buffer))
    }

    /// All of it as a value that takes memory only where it is looked at.
    public func mapped() throws -> Weights {
        let file = try MappedFile(file, byteCount: size)
        return Weights(
            zip(descriptions, offsets).map { description, offset in
                Weights.Tensor(
                    description, storage: TensorStorage(file, at: offset, byteCount: description.byteCount))
            })
    }

    /// Writes weights so that they are on the disk, whole, when this returns; an older file stays until then.
    ///
    /// - Parameter spare: a file that may be written over.
    public static func write(_ weights: Weights, to url: URL, over spare: URL? = nil) throws {
        var entries: [String] = []
        var offset = 0
        let encoder = JSONEncoder()
        // Equal weights make equal files.
        encoder.outputFormatting = .sortedKeys
        for tensor in weights.tensors {
            let entry = Entry(
                dtype: tensor.description.type, shape: tensor.shape,
                data_offsets: [offset, offset + tensor.bytes.count])
            let name = String(decoding: try encoder.encode(tensor.name), as: UTF8.self)
            entries.append(name + ":" + String(decoding: try encoder.encode(entry), as: UTF8.self))
            offset += tensor.bytes.count
        }
        var header = Array(("{" + entries.joined(separator: ",") + "}").utf8)
        header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (64 - (header.count + 8) % 64) % 64))
        try DurableFile.write(to: url, over: spare) { file in
            try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try file.write($0) }
            try header.withUnsafeBytes { try file.write($0) }
            let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
            defer { scratch.deallocate() }
            for tensor in weights.tensors {
                for start in stride(from: 0, to: tensor.bytes.count, by: scratch.count) {
                    let range = start..<min(start + scratch.count, tensor.bytes.count)
                    try tensor.storage.withBytes(range, scratch: scratch) { try file.write($0) }
                }
            }
        }
    }
}
