import Federation

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

/// A ledger's lines on the disk, each with the keyed hash of the one before.
///
/// A second file, the head, says how many lines were acknowledged, and the last one's hash; it is written when they are on
/// the disk. So a line that was cut short by a crash, which nobody relied on, is told from one that was taken away or changed.
/// A folder that is wholly gone, or brought back from an old backup, cannot be told from a new or an old one.
struct LedgerFile {
    private let folder: URL
    private let file: DurableFile
    let key: LedgerKey
    private var offset = 0
    private var count = 0
    private var last: String

    private struct Head: Codable, Equatable {
        var count: Int
        var hash: String
        /// Of the lines. The first, which did not say so, had one account for each record, whether case or patient.
        var format: Int?
    }

    private static let format = 2

    private static let name = "ledger.jsonl"

    static func exists(in folder: URL) -> Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: name).path)
    }
    private var headURL: URL { folder.appending(path: "head.json") }

    init(_ folder: URL) throws {
        self.folder = folder
        let files = FileManager.default
        do {
            try files.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw PrivacyError.file(
                folder.lastPathComponent, reason: "the folder cannot be made. Check its permissions.")
        }
        file = try Self.explained {
            try DurableFile(folder.appending(path: Self.name), flags: O_RDWR | O_CREAT | O_APPEND)
        }
        let head = folder.appending(path: "head.json")
        let lines = file
        (key, last) = try Self.explained {
            try lines.whileLocked {
                let isNew = try lines.byteCount() == 0 && !files.fileExists(atPath: head.path)
                if isNew { try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path) }
                let key = try LedgerKey(folder.appending(path: "key"), isNew: isNew)
                let last = key.hash(line: Data())
                if isNew { try Self.write(Head(count: 0, hash: last, format: Self.format), to: head) }
                return (key, last)
            }
        }
    }

    /// Does something that no other process comes between.
    func whileLocked<Result>(_ body: () throws -> Result) throws -> Result {
        try Self.explained { try file.whileLocked(body) }
    }

    /// The lines that came since the last time. To be called while locked.
    ///
    /// - Throws: `PrivacyError.file` where a line is missing or was changed.
    mutating func read() throws -> [LedgerEntry] {
        let length = try file.byteCount()
        guard length >= offset else { throw Self.tampered("it is shorter than it was") }
        var data = Data(count: length - offset)
        try data.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        guard let headData = try? Data(contentsOf: headURL),
            let head = try? JSONDecoder().decode(Head.self, from: headData)
        else { throw Self.tampered("its head cannot be read") }
        guard head.format == Self.format else {
            throw PrivacyError.file(
                Self.name,
                reason:
                    "it is of another version of this program, which kept other accounts. Use that version; or put the "
                    + "folder aside, begin a new one, and take what was spent off the cap.")
        }

        var entries: [LedgerEntry] = []
        var start = data.startIndex
        var hashes = [count: last]
        while let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = data[start..<end]
            guard let entry = try? JSONDecoder().decode(LedgerEntry.self, from: line),
                entry.number == count + entries.count + 1, entry.previous == hashes[entry.number - 1]
            else { throw Self.tampered("line \(count + entries.count + 1) was changed, or the one before it") }
            entries.append(entry)
            hashes[entry.number] = key.hash(line: line)
            start = end + 1
        }
        let found = count + entries.count
        guard head.count <= found else {
            throw Self.tampered("\(head.count) lines were written and \(found) are there")
        }
        guard head.count < count || hashes[head.count] == head.hash else {
            throw Self.tampered("line \(head.count) was changed")
        }
        let whole = offset + (start - data.startIndex)
        if whole < length { try file.truncate(to: whole) }
        (offset, count, last) = (whole, found, hashes[found]!)
        return entries
    }

    /// Adds lines, all on the disk when this returns. To be called while locked, after `read`; `acknowledge` comes after.
    mutating func append(_ contents: [LedgerEntry.Content]) throws -> [LedgerEntry] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var entries: [LedgerEntry] = []
        var (data, hash) = (Data(), last)
        for content in contents {
            let entry = LedgerEntry(
                number: count + entries.count + 1, time: Int(Date().timeIntervalSince1970), content: content,
                previous: hash)
            let line = try encoder.encode(entry)
            hash = key.hash(line: line)
            data += line + [UInt8(ascii: "\n")]
            entries.append(entry)
        }
        do {
            try data.withUnsafeBytes { try file.write($0) }
            try file.reachDisk()
        } catch {
            // Nobody is told of half a line, and nobody shall find it.
            try? file.truncate(to: offset)
            throw error
        }
        (offset, count, last) = (offset + data.count, count + entries.count, hash)
        return entries
    }

    /// From here on none of the lines may be missing.
    func acknowledge() throws { try Self.write(Head(count: count, hash: last, format: Self.format), to: headURL) }

    private static func write(_ head: Head, to url: URL) throws {
        let data = try JSONEncoder().encode(head)
        try DurableFile.write(to: url) { file in try data.withUnsafeBytes { try file.write($0) } }
    }

    private static func tampered(_ fact: String) -> PrivacyError {
        .file(
            name,
            reason: "\(fact). What was spent is not known any more, so nothing may be: bring the ledger's folder back "
                + "from a backup.")
    }

    /// A failure of the disk, as this module tells it.
    private static func explained<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as FederationError {
            throw PrivacyError.file(name, reason: "\(error)")
        }
    }
}
