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

    private let file: Mutex<DurableFile>

    init(_ url: URL) throws { file = Mutex(try DurableFile(url, flags: O_WRONLY | O_CREAT | O_APPEND)) }

    func add(_ metadata: Metadata, object: ObjectID, bytes: Int) throws {
        let line = Line(
            time: Date().formatted(.iso8601), run: "\(metadata.runID)", kind: metadata.type, round: metadata.group,
            bytes: bytes, sha256: object.description)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(line) + [UInt8(ascii: "\n")]
        try file.withLock { file in
            try data.withUnsafeBytes { try file.write($0) }
            try file.reachDisk()
        }
    }
}
