#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A PyTorch checkpoint (`.pth`): a zip of a pickle and of the storages that its tensors view.
///
/// Only the pickle is read at once; a tensor's elements are read when they are asked for, so a file is never in memory
/// twice. No libtorch is needed, and no code in the file is run.
public struct CheckpointFile: Sendable {
    /// What `torch.load` returns; tensors are references.
    public let content: PickleValue
    public let path: String
    private let archive: ZipArchive
    /// The folder inside of the zip, with its slash.
    private let prefix: String
    private let bigEndian: Bool

    /// Of the whole file.
    public var byteCount: Int { archive.file.count }

    private static let largestPickle = 1 << 28

    /// - Throws: `FileError` where the file is no checkpoint, is damaged or asks for code.
    public init(contentsOf url: URL) throws {
        path = url.path
        do { archive = try ZipArchive(contentsOf: url) } catch {
            throw Self.isLegacy(url)
                ? FileError.unsupported(
                    file: url.path,
                    fact: "it is in PyTorch's format from before 1.6; load and save it once with a newer PyTorch")
                : error
        }
        guard
            let entry = archive.entries.first(where: { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") })
        else { throw FileError.malformed(file: path, fact: "it is a zip file without PyTorch's data.pkl") }
        prefix = String(entry.name.dropLast("data.pkl".count))
        guard archive[prefix + "constants.pkl"] == nil else {
            throw FileError.unsupported(file: path, fact: "it is a TorchScript program, not a checkpoint")
        }
        guard entry.count <= Self.largestPickle else {
            throw FileError.unsupported(file: path, fact: "its pickle has \(entry.count) bytes")
        }
        if let order = archive[prefix + "byteorder"], order.count < 16 {
            bigEndian = try archive.read(order) == Array("big".utf8)
        } else {
            bigEndian = false
        }
        content = try Unpickler.value(of: try archive.read(entry), file: path)
    }

    private static func isLegacy(_ url: URL) -> Bool {
        guard let start = try? RandomAccessFile(url).bytes(at: 0, count: 4) else { return false }
        return start == [0x80, 2, 0x8a, 10]
    }

    /// The elements of a tensor of this file, in C order.
    public func array(of tensor: TensorReference) throws -> NumericArray {
        let storage = tensor.storage
        guard let entry = archive["\(prefix)data/\(storage.key)"] else {
            throw FileError.malformed(file: path, fact: "a tensor's storage \(storage.key) is missing")
        }
        guard storage.type.byteCount(of: [storage.count]) == entry.count else {
            throw FileError.malformed(
                file: path,
                fact: "storage \(storage.key) has \(entry.count) bytes where \(storage.count) elements of "
                    + "\(storage.type) are announced")
        }
        let unit = tensor.type.byteCount
        guard let count = elementCount(of: tensor.shape), count > 0 else {
            return try NumericArray(type: tensor.type, shape: tensor.shape, bytes: [], file: path)
        }
        // Whatever its order, a tensor lies between its first and its last element.
        let reach = zip(tensor.shape, tensor.strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
        var bytes = try archive.read(entry, range: tensor.offset * unit..<(tensor.offset + reach + 1) * unit)
        if !tensor.isContiguous {
            bytes = ArrayLayout.gather(
                bytes, shape: tensor.shape, byteStrides: tensor.strides.map { $0 * unit }, offset: 0, unit: unit)
        }
        if bigEndian { bytes = ArrayLayout.swapped(bytes, unit: tensor.type.swappedUnit) }
        return try NumericArray(type: tensor.type, shape: tensor.shape, bytes: bytes, file: path)
    }

    /// Writes a checkpoint that `torch.load` reads. The file takes its name when it is whole.
    /// - Parameters:
    ///   - content: the value; tensors whose storages have one key share memory.
    ///   - storage: the bytes of a storage, little-endian; it is asked once for each key, in the order of the content,
    ///     and one answer is in memory at a time.
    public static func write(
        _ content: PickleValue, to url: URL, storage: (TensorStorage) throws -> [UInt8]
    ) throws {
        let writer = try ZipWriter(url, alignment: 64)
        let prefix = "archive/"
        try writer.add(prefix + "data.pkl", try Pickler.bytes(of: content, protocol: .two))
        try writer.add(prefix + ".format_version", Array("1".utf8))
        try writer.add(prefix + ".storage_alignment", Array("64".utf8))
        try writer.add(prefix + "byteorder", Array("little".utf8))
        var written: [String: TensorStorage] = [:]
        for tensor in content.tensors {
            let needed = tensor.storage
            if let earlier = written[needed.key] {
                guard earlier == needed else {
                    throw FileError.unexpectedContent(
                        file: url.path, fact: "storage \(needed.key) has two descriptions")
                }
                continue
            }
            let bytes = try storage(needed)
            guard needed.type.byteCount(of: [needed.count]) == bytes.count else {
                throw FileError.unexpectedContent(
                    file: url.path, fact: "storage \(needed.key) has \(bytes.count) bytes for \(needed.count) elements")
            }
            try writer.add("\(prefix)data/\(needed.key)", bytes)
            written[needed.key] = needed
        }
        try writer.add(prefix + "version", Array("3\n".utf8))
        try writer.finish()
    }
}

extension PickleValue {
    /// Every tensor in the value, in its order.
    var tensors: [TensorReference] {
        switch self {
        case .tensor(let tensor): [tensor]
        case .list(let items), .tuple(let items), .set(let items): items.flatMap(\.tensors)
        case .dictionary(let dictionary), .orderedDictionary(let dictionary):
            dictionary.pairs.flatMap { $0.key.tensors + $0.value.tensors }
        default: []
        }
    }
}
