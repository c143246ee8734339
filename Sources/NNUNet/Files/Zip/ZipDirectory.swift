/// The list at the end of a zip file (APPNOTE 6.3, sections 4.3.12 to 4.3.16).
enum ZipDirectory {
    /// Beyond this a directory is not believed.
    private static let largest = 1 << 28

    static func read(_ file: RandomAccessFile) throws -> [ZipArchive.Entry] {
        let (offset, length, count) = try locate(file)
        guard length <= largest else {
            throw FileError.malformed(file: file.path, fact: "its directory claims \(length) bytes")
        }
        var reader = ByteReader(try file.bytes(at: offset, count: length), file: file.path)
        var entries: [ZipArchive.Entry] = []
        while reader.remaining >= 46, entries.count < count { entries.append(try entry(&reader, in: file)) }
        guard entries.count == count else {
            throw FileError.malformed(
                file: file.path, fact: "its directory announces \(count) entries and lists \(entries.count)")
        }
        return entries
    }

    private static func entry(_ reader: inout ByteReader, in file: RandomAccessFile) throws -> ZipArchive.Entry {
        guard try reader.integer(UInt32.self) == 0x0201_4b50 else {
            throw FileError.malformed(file: file.path, fact: "its directory is damaged")
        }
        try reader.skip(6)
        let method = try reader.integer(UInt16.self)
        try reader.skip(4)
        let crc = try reader.integer(UInt32.self)
        var packed = Int(try reader.integer(UInt32.self))
        var count = Int(try reader.integer(UInt32.self))
        let nameLength = Int(try reader.integer(UInt16.self))
        let extraLength = Int(try reader.integer(UInt16.self))
        let commentLength = Int(try reader.integer(UInt16.self))
        try reader.skip(8)
        var offset = Int(try reader.integer(UInt32.self))
        let name = String(decoding: reader.bytes[try reader.range(nameLength)], as: UTF8.self)
        var extra = ByteReader(Array(reader.bytes[try reader.range(extraLength)]), file: file.path)
        try reader.skip(commentLength)

        while extra.remaining >= 4 {
            let kind = try extra.integer(UInt16.self)
            let size = Int(try extra.integer(UInt16.self))
            guard kind == 1 else {
                // Some writers pad extra fields with what is not a field; only zip64's matters here.
                if size > extra.remaining { break }
                try extra.skip(size)
                continue
            }
            if count == 0xffff_ffff { count = try extra.count(UInt64.self) }
            if packed == 0xffff_ffff { packed = try extra.count(UInt64.self) }
            if offset == 0xffff_ffff { offset = try extra.count(UInt64.self) }
            break
        }
        guard method != 0 || packed == count, packed <= file.count, offset <= file.count else {
            throw FileError.malformed(file: file.path, fact: "its entry \(name) has impossible lengths")
        }
        return ZipArchive.Entry(
            name: name, count: count, packedCount: packed, method: method, crc32: crc, headerOffset: offset)
    }

    /// Offset, length and number of entries of the directory.
    private static func locate(_ file: RandomAccessFile) throws -> (Int, Int, Int) {
        // The end record is 22 bytes and a comment of up to 65535.
        let tailLength = min(file.count, 22 + 65535)
        let tailStart = file.count - tailLength
        let tail = try file.bytes(at: tailStart, count: tailLength)
        guard
            tailLength >= 22,
            let position = stride(from: tailLength - 22, through: 0, by: -1).first(where: {
                tail[$0] == 0x50 && tail[$0 + 1] == 0x4b && tail[$0 + 2] == 5 && tail[$0 + 3] == 6
            })
        else {
            throw FileError.malformed(file: file.path, fact: "it is not a zip file, or its end is missing")
        }
        var reader = ByteReader(tail, file: file.path, position: position + 10)
        var count = Int(try reader.integer(UInt16.self))
        var length = Int(try reader.integer(UInt32.self))
        var offset = Int(try reader.integer(UInt32.self))
        if count == 0xffff || length == 0xffff_ffff || offset == 0xffff_ffff, position + tailStart >= 20 {
            var locator = ByteReader(try file.bytes(at: tailStart + position - 20, count: 20), file: file.path)
            if try locator.integer(UInt32.self) == 0x0706_4b50 {
                try locator.skip(4)
                let end = try locator.count(UInt64.self)
                var record = ByteReader(try file.bytes(at: end, count: 56), file: file.path)
                guard try record.integer(UInt32.self) == 0x0606_4b50 else {
                    throw FileError.malformed(file: file.path, fact: "its zip64 directory is not where it should be")
                }
                try record.skip(28)
                count = try record.count(UInt64.self)
                length = try record.count(UInt64.self)
                offset = try record.count(UInt64.self)
            }
        }
        return (offset, length, count)
    }
}
