import Federation
import Synchronization

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

/// What left the site, line by line: when, for what, how many bytes, and their hash. A line is on the disk before the
/// first byte goes.
final class EgressLog: Sendable {
    struct Line: Codable {
        var time: String
        var run: String
        /// Of the message that was answered: `train`, `evaluate`, `query.describe`.
        var kind: String
        var round: String
        var bytes: Int
        /// The id of the reply's object, which is a hash over everything in it.
        var sha256: String
    }

    private let file: Mutex<(file: DurableFile, length: Int)>

    init(_ url: URL) throws {
        let file = try DurableFile(url, flags: O_WRONLY | O_CREAT | O_APPEND)
        let length = try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int
        self.file = Mutex((file, length ?? 0))
    }

    func add(_ metadata: Metadata, object: ObjectID, bytes: Int) throws {
        let line = Line(
            time: Date().formatted(.iso8601), run: "\(metadata.runID)", kind: metadata.type, round: metadata.group,
            bytes: bytes, sha256: object.description)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(line) + [UInt8(ascii: "\n")]
        try file.withLock { log in
            do { try data.withUnsafeBytes { try log.file.write($0) } } catch {
                // Half a line would spoil the next one.
                try log.file.truncate(to: log.length)
                throw error
            }
            log.length += data.count
            try log.file.reachDisk()
        }
    }
}
