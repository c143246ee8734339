#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A zip file that is open for reading: entries stored or deflated, zip64, with or without data descriptors.
///
/// Only the directory is read at once. Every offset and length is checked against the file.
public final class ZipArchive: Sendable {
    /// One file of the archive.
    public struct Entry: Sendable, Equatable {
        public let name: String
        /// Unpacked length in bytes.
        public let count: Int
        let packedCount: Int
        let method: UInt16
        let crc32: UInt32
        let headerOffset: Int
    }

    /// In the directory's order.
    public let entries: [Entry]
    private let index: [String: Int]
    let file: RandomAccessFile

    /// - Throws: `FileError` where the file is absent or not a zip.
    public init(contentsOf url: URL) throws {
        file = try RandomAccessFile(url)
        let entries = try ZipDirectory.read(file)
        self.entries = entries
        index = Dictionary(entries.indices.map { (entries[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public subscript(name: String) -> Entry? { index[name].map { entries[$0] } }

    /// An entry's content, unpacked and checked against its CRC.
    public func read(_ entry: Entry) throws -> [UInt8] {
        let packed = try file.bytes(at: try contentOffset(of: entry), count: entry.packedCount)
        let bytes: [UInt8]
        switch entry.method {
        case 0: bytes = packed
        case 8:
            guard let unpacked = ZipCompression.inflate(packed, count: entry.count) else {
                throw FileError.malformed(file: file.path, fact: "its entry \(entry.name) does not unpack")
            }
            bytes = unpacked
        default:
            throw FileError.unsupported(
                file: file.path,
                fact: "its entry \(entry.name) is packed by method \(entry.method); only stored and deflated")
        }
        // PyTorch can be told not to compute it and then leaves 0.
        guard entry.crc32 == 0 || entry.crc32 == ZipCompression.crc32(bytes) else {
            throw FileError.malformed(file: file.path, fact: "its entry \(entry.name) does not match its checksum")
        }
        return bytes
    }

    /// A part of a stored entry; such a part cannot be checked against the CRC.
    public func read(_ entry: Entry, range: Range<Int>) throws -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= entry.count else {
            throw FileError.malformed(
                file: file.path, fact: "bytes \(range) are asked of its entry \(entry.name), which has \(entry.count)")
        }
        if range == 0..<entry.count { return try read(entry) }
        if entry.method != 0 { return Array(try read(entry)[range]) }
        return try file.bytes(at: try contentOffset(of: entry) + range.lowerBound, count: range.count)
    }

    /// The local header has a name and an extra field of its own, so it says where the content starts.
    private func contentOffset(of entry: Entry) throws -> Int {
        var header = ByteReader(try file.bytes(at: entry.headerOffset, count: 30), file: file.path)
        guard try header.integer(UInt32.self) == 0x0403_4b50 else {
            throw FileError.malformed(file: file.path, fact: "there is no header of the entry \(entry.name)")
        }
        let flags = UInt16(header.bytes[6]) | UInt16(header.bytes[7]) << 8
        guard flags & 1 == 0 else {
            throw FileError.unsupported(file: file.path, fact: "its entry \(entry.name) is encrypted")
        }
        try header.skip(22)
        return entry.headerOffset + 30 + Int(try header.integer(UInt16.self)) + Int(try header.integer(UInt16.self))
    }
}
