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

/// A file of JSON lines that only grows; a line that `append` was given is on the disk when it returns.
///
/// Several processes may use one: who changes it holds its lock, reads what is there, decides, and appends. A line that a
/// crash tore was never promised to anyone, and is removed; any other line that cannot be read stops everything.
package struct RecordFile<Record: Codable & Sendable>: Sendable {
    let url: URL
    private static var most: Int { 1 << 26 }

    /// The records; none where there is no file.
    package func read() throws -> [Record] {
        guard DurableFile.exists(url) else { return [] }
        return try parse(DurableFile.read(url, upTo: Self.most)).records
    }

    /// Reads and appends while nobody else does.
    func update<Result>(_ body: (_ records: [Record], _ append: (Record) throws -> Void) throws -> Result) throws
        -> Result
    {
        let isNew = !DurableFile.exists(url)
        let file = try OpenFile(url, O_RDWR | O_CREAT | O_APPEND, mode: DurableFile.Mode.secret.bits)
        if isNew { try OpenFile(url.deletingLastPathComponent(), O_RDONLY | O_DIRECTORY).reachDisk() }
        try file.lock()
        let data = try file.readAll(upTo: Self.most)
        guard data.count <= Self.most else { throw tooLarge }
        let (records, whole) = try parse(data)
        if whole < data.count { try file.truncate(to: whole) }
        var size = whole
        return try body(records) { record in
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            var line = try encoder.encode(record)
            line.append(UInt8(ascii: "\n"))
            // A line more than can be read again would stop everything.
            guard size + line.count <= Self.most else { throw tooLarge }
            try file.append(line)
            size += line.count
            try file.reachDisk()
        }
    }

    func append(_ record: Record) throws { try update { _, append in try append(record) } }

    private var tooLarge: ProvisioningError {
        .file(
            url.path,
            reason: "is or would be larger than 64 MiB, the most that is read; nothing was written. Keep a copy, and "
                + "take out whole lines of certificates that have ended")
    }

    /// - Returns: the records, and how many bytes are whole lines.
    private func parse(_ data: Data) throws -> (records: [Record], whole: Int) {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        var records: [Record] = []
        var whole = 0
        while let end = data[whole...].firstIndex(of: UInt8(ascii: "\n")) {
            guard let record = try? decoder.decode(Record.self, from: data[whole..<end]) else {
                throw ProvisioningError.file(
                    url.lastPathComponent,
                    reason: "line \(records.count + 1) cannot be read; was it edited, or written by another version?")
            }
            records.append(record)
            whole = end + 1
        }
        return (records, whole)
    }
}
