#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// metrics.jsonl: one JSON object a round, on the disk when its round is over.
public struct MetricsLog: Sendable {
    public let url: URL
    private let file: AppendedFile

    /// Opens a log, or begins one.
    ///
    /// A last line that a crash tore is dropped.
    /// - Parameter round: where a resumed run begins; lines of this round and later ones are dropped. Nil keeps all.
    public init(_ url: URL, redoingFrom round: Int? = nil) throws {
        self.url = url
        file = AppendedFile(url: url)
        guard let bytes = try Self.content(of: url) else { return }
        let kept = try Self.lines(in: bytes, file: url.lastPathComponent).filter { line in
            round.map { line.record.round < $0 } ?? true
        }
        let text: [UInt8] = kept.flatMap { line -> [UInt8] in line.bytes + [0x0A] }
        if text != bytes {
            do { try Data(text).write(to: url, options: .atomic) } catch {
                if isFullDisk(error) { throw error }
                throw StudyError.file(
                    url.lastPathComponent, reason: "cannot be written. Is the disk full or read-only?")
            }
        }
    }

    public func append(_ record: RoundRecord) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try file.append(Array(try encoder.encode(record)) + [0x0A])
    }

    /// The rounds of a log, a torn last line left out; none where there is no file.
    public static func records(at url: URL) throws -> [RoundRecord] {
        try content(of: url).map { try lines(in: $0, file: url.lastPathComponent).map(\.record) } ?? []
    }

    private static func content(of url: URL) throws -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        guard let data = try? Data(contentsOf: url) else {
            throw StudyError.file(url.lastPathComponent, reason: "cannot be read. Is it a folder, or protected?")
        }
        return Array(data)
    }

    /// Lines are kept as they were written, so that what a newer Cohort added is not lost.
    private static func lines(in bytes: [UInt8], file: String) throws -> [(bytes: [UInt8], record: RoundRecord)] {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let last = lines.lastIndex { !$0.isEmpty }
        return try lines.enumerated().compactMap { index, line in
            guard !line.isEmpty else { return nil }
            do {
                return (Array(line), try JSONDecoder().decode(RoundRecord.self, from: Data(line)))
            } catch {
                guard index != last else { return nil }
                throw StudyError.line(file: file, line: index + 1, reason: "this is not the record of a round")
            }
        }
    }
}
