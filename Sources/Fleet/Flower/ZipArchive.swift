import CDeflate

/// Reads single small files out of a zip archive in memory (PKWARE's APPNOTE 6.3.3), stored or deflated.
struct ZipArchive {
    private let bytes: [UInt8]
    /// Where the list of files begins, and how many there are.
    private let list: (start: Int, count: Int)

    private static let longestFile = 1 << 20

    /// - Throws: `FleetError.bundle`.
    init(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        // The last record ends with a comment of at most 65,535 bytes.
        let candidates = stride(from: bytes.count - 22, through: max(0, bytes.count - 22 - 0xffff), by: -1)
        guard let end = candidates.first(where: { bytes.word(at: $0) == 0x0605_4b50 }),
            let count = bytes.half(at: end + 10), let start = bytes.word(at: end + 16)
        else { throw FleetError.bundle("it is no zip archive") }
        list = (start, count)
    }

    /// A file's content; nil where there is no such file.
    ///
    /// - Throws: `FleetError.bundle` where the archive is damaged.
    func file(_ name: String) throws -> [UInt8]? {
        let damaged = FleetError.bundle("its zip archive is damaged")
        var position = list.start
        for _ in 0..<list.count {
            guard bytes.word(at: position) == 0x0201_4b50, let method = bytes.half(at: position + 10),
                let packed = bytes.word(at: position + 20), let length = bytes.word(at: position + 24),
                let nameLength = bytes.half(at: position + 28), let extra = bytes.half(at: position + 30),
                let comment = bytes.half(at: position + 32), let header = bytes.word(at: position + 42),
                let found = bytes.range(at: position + 46, count: nameLength)
            else { throw damaged }
            position += 46 + nameLength + extra + comment
            guard found.elementsEqual(name.utf8) else { continue }
            guard length <= Self.longestFile, bytes.word(at: header) == 0x0403_4b50,
                let ownName = bytes.half(at: header + 26), let ownExtra = bytes.half(at: header + 28),
                let data = bytes.range(at: header + 30 + ownName + ownExtra, count: packed)
            else { throw damaged }
            switch method {
            case 0 where packed == length: return Array(data)
            case 8:
                guard let content = Self.inflate(data, length: length) else { throw damaged }
                return content
            default: throw damaged
            }
        }
        return nil
    }

    private static func inflate(_ data: ArraySlice<UInt8>, length: Int) -> [UInt8]? {
        guard let decompressor = libdeflate_alloc_decompressor() else { return nil }
        defer { libdeflate_free_decompressor(decompressor) }
        var content = [UInt8](repeating: 0, count: length)
        let result = data.withUnsafeBytes { source in
            content.withUnsafeMutableBytes {
                libdeflate_deflate_decompress(
                    decompressor, source.baseAddress, source.count, $0.baseAddress, $0.count, nil)
            }
        }
        return result == LIBDEFLATE_SUCCESS ? content : nil
    }
}

extension [UInt8] {
    fileprivate func range(at position: Int, count: Int) -> ArraySlice<UInt8>? {
        position >= 0 && count >= 0 && position <= self.count - count ? self[position..<position + count] : nil
    }

    /// Little-endian, as everything in a zip archive.
    fileprivate func half(at position: Int) -> Int? {
        range(at: position, count: 2)?.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    fileprivate func word(at position: Int) -> Int? {
        range(at: position, count: 4)?.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
