#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes a zip file entry by entry, so that no more than one entry is in memory. The file takes its name in `finish`.
public final class ZipWriter {
    private struct Written {
        var name: [UInt8]
        var method: UInt16
        var crc32: UInt32
        var packed: Int
        var count: Int
        var offset: Int
    }

    private let file: AtomicFile
    private var written: [Written] = []
    private let alignment: Int
    private let forcesZip64: Bool

    /// - Parameter alignment: where the content of stored entries starts, a multiple of it (PyTorch: 64).
    public convenience init(_ url: URL, alignment: Int = 1) throws {
        try self.init(url, alignment: alignment, forcesZip64: false)
    }

    /// `forcesZip64` writes large-file records for small files too, for tests.
    package init(_ url: URL, alignment: Int, forcesZip64: Bool) throws {
        precondition(alignment > 0 && alignment <= 4096, "an alignment of \(alignment) bytes")
        file = try AtomicFile(url)
        self.alignment = alignment
        self.forcesZip64 = forcesZip64
    }

    /// Adds an entry; one that deflate cannot shrink is stored.
    public func add(_ name: String, _ bytes: [UInt8], deflated: Bool = false) throws {
        let crc = ZipCompression.crc32(bytes)
        if deflated, let packed = ZipCompression.deflate(bytes) {
            try add(Array(name.utf8), method: 8, crc: crc, count: bytes.count, content: packed)
        } else {
            try add(Array(name.utf8), method: 0, crc: crc, count: bytes.count, content: bytes)
        }
    }

    private func add(_ name: [UInt8], method: UInt16, crc: UInt32, count: Int, content: [UInt8]) throws {
        guard name.count < 0xffff else {
            throw FileError.cannotWrite(file: file.path, reason: "an entry's name has \(name.count) bytes")
        }
        let offset = file.position
        let large = forcesZip64 || count >= 0xffff_ffff || content.count >= 0xffff_ffff
        var extra: [UInt8] = []
        if large {
            extra.append(littleEndian: UInt16(1))
            extra.append(littleEndian: UInt16(16))
            extra.append(littleEndian: UInt64(count))
            extra.append(littleEndian: UInt64(content.count))
        }
        if method == 0, alignment > 1 {
            // PyTorch pads with a field "FB" of Z's.
            let start = offset + 30 + name.count + extra.count + 4
            let padding = (alignment - start % alignment) % alignment
            extra += Array("FB".utf8)
            extra.append(littleEndian: UInt16(padding))
            extra += [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
        }
        var header: [UInt8] = []
        header.append(littleEndian: UInt32(0x0403_4b50))
        header.append(littleEndian: UInt16(large ? 45 : 20))
        header.append(littleEndian: UInt16(0x0800))
        header.append(littleEndian: method)
        header.append(littleEndian: Self.timestamp)
        header.append(littleEndian: crc)
        header.append(littleEndian: large ? UInt32.max : UInt32(content.count))
        header.append(littleEndian: large ? UInt32.max : UInt32(count))
        header.append(littleEndian: UInt16(name.count))
        header.append(littleEndian: UInt16(extra.count))
        try file.write(header + name + extra)
        try file.write(content)
        written.append(
            Written(name: name, method: method, crc32: crc, packed: content.count, count: count, offset: offset))
    }

    /// Midnight of 1 January 1980, so that equal content gives equal files.
    private static let timestamp: UInt32 = 0x0021_0000

    /// Writes the directory and gives the file its name.
    public func finish() throws {
        let start = file.position
        for entry in written { try file.write(directoryEntry(entry)) }
        let length = file.position - start
        var end: [UInt8] = []
        let large = forcesZip64 || written.count >= 0xffff || length >= 0xffff_ffff || start >= 0xffff_ffff
        if large {
            let record = file.position
            end.append(littleEndian: UInt32(0x0606_4b50))
            end.append(littleEndian: UInt64(44))
            end.append(littleEndian: UInt16(45))
            end.append(littleEndian: UInt16(45))
            end.append(littleEndian: UInt64(0))
            end.append(littleEndian: UInt64(written.count))
            end.append(littleEndian: UInt64(written.count))
            end.append(littleEndian: UInt64(length))
            end.append(littleEndian: UInt64(start))
            end.append(littleEndian: UInt32(0x0706_4b50))
            end.append(littleEndian: UInt32(0))
            end.append(littleEndian: UInt64(record))
            end.append(littleEndian: UInt32(1))
        }
        end.append(littleEndian: UInt32(0x0605_4b50))
        end.append(littleEndian: UInt32(0))
        end.append(littleEndian: large ? UInt16.max : UInt16(written.count))
        end.append(littleEndian: large ? UInt16.max : UInt16(written.count))
        end.append(littleEndian: large ? UInt32.max : UInt32(length))
        end.append(littleEndian: large ? UInt32.max : UInt32(start))
        end.append(littleEndian: UInt16(0))
        try file.write(end)
        try file.commit()
    }

    private func directoryEntry(_ entry: Written) -> [UInt8] {
        let large =
            forcesZip64 || entry.count >= 0xffff_ffff || entry.packed >= 0xffff_ffff || entry.offset >= 0xffff_ffff
        var bytes: [UInt8] = []
        bytes.append(littleEndian: UInt32(0x0201_4b50))
        bytes.append(littleEndian: UInt16(large ? 45 : 20))
        bytes.append(littleEndian: UInt16(large ? 45 : 20))
        bytes.append(littleEndian: UInt16(0x0800))
        bytes.append(littleEndian: entry.method)
        bytes.append(littleEndian: Self.timestamp)
        bytes.append(littleEndian: entry.crc32)
        bytes.append(littleEndian: large ? UInt32.max : UInt32(entry.packed))
        bytes.append(littleEndian: large ? UInt32.max : UInt32(entry.count))
        bytes.append(littleEndian: UInt16(entry.name.count))
        bytes.append(littleEndian: UInt16(large ? 28 : 0))
        bytes.append(contentsOf: [UInt8](repeating: 0, count: 10))
        bytes.append(littleEndian: large ? UInt32.max : UInt32(entry.offset))
        bytes += entry.name
        if large {
            bytes.append(littleEndian: UInt16(1))
            bytes.append(littleEndian: UInt16(24))
            bytes.append(littleEndian: UInt64(entry.count))
            bytes.append(littleEndian: UInt64(entry.packed))
            bytes.append(littleEndian: UInt64(entry.offset))
        }
        return bytes
    }
}
