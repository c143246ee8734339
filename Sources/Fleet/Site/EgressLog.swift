import Crypto
import Federation
import Synchronization

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What left the site, line by line: when, for what, how many bytes, and their hash.
///
/// What says something of the site has a line of its own, which is on the disk before the first byte goes: replies, being
/// registered, asking for a certificate. The calls that only keep things going (signs of life, asking for messages, fetching
/// their objects, receipts) are summed up every ten minutes. A call that is repeated on a bad line counts once.
public final class EgressLog: Sendable {
    struct Line: Codable {
        var time: String
        /// Of the message that was answered: `train`, `evaluate`, `query.describe`; or of the call: `enrol`, `renew`,
        /// `register-node`, `activate-node`; or `calls` for a sum.
        var kind: String
        /// Of a reply.
        var run: String?
        var round: String?
        /// Of a sum: how many calls of each kind, since when.
        var calls: [String: Int]?
        var since: String?
        var bytes: Int
        /// Of a reply the id of its object, which is a hash over everything in it; of a sum the hash of the bodies one
        /// after the other.
        var sha256: String
    }

    static let interval = Duration.seconds(600)

    private struct Sum {
        var since = Date()
        var calls: [String: Int] = [:]
        var bytes = 0
        var hash = SHA256()
    }

    private struct State {
        let file: DurableFile
        var sum = Sum()

        func write(_ line: Line) throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let data = try encoder.encode(line) + [UInt8(ascii: "\n")]
            // Another program of the site may add a line at the same time.
            try file.whileLocked {
                let before = try file.byteCount()
                do {
                    try data.withUnsafeBytes { try file.write($0) }
                    try file.reachDisk()
                } catch {
                    // Half a line would spoil the next one.
                    try file.truncate(to: before)
                    throw error
                }
            }
        }
    }

    private let state: Mutex<State>

    /// Adds to a file, which other programs of the site may add to as well; its folder is made.
    public init(_ url: URL) throws {
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        state = Mutex(State(file: try DurableFile(url, flags: O_WRONLY | O_CREAT | O_APPEND)))
    }

    /// A call that is about to go.
    public func add(_ kind: String, _ body: [UInt8]) throws {
        try state.withLock { try $0.write(Self.line(kind, body)) }
    }

    private static func line(_ kind: String, _ body: [UInt8]) -> Line {
        Line(time: now(), kind: kind, bytes: body.count, sha256: ObjectID(SHA256.hash(data: body)).description)
    }

    /// A reply that is about to go.
    func add(_ metadata: Metadata, object: ObjectID, bytes: Int) throws {
        let line = Line(
            time: Self.now(), kind: metadata.type, run: "\(metadata.runID)", round: metadata.group, bytes: bytes,
            sha256: object.description)
        try state.withLock { try $0.write(line) }
    }

    /// A call of the protocol that is about to go.
    func add(_ method: FleetMethod, _ body: [UInt8]) throws {
        switch method {
        case .registerNode, .activateNode, .deactivateNode, .unregisterNode:
            try add(method.rawValue, body)
        default:
            state.withLock { state in
                if state.sum.calls.isEmpty { state.sum.since = Date() }
                state.sum.calls[method.rawValue, default: 0] += 1
                state.sum.bytes += body.count
                state.sum.hash.update(data: body)
            }
        }
    }

    /// Writes the sum of the small calls since the last one.
    func sumUp() throws {
        try state.withLock { state in
            guard !state.sum.calls.isEmpty else { return }
            try state.write(
                Line(
                    time: Self.now(), kind: "calls", calls: state.sum.calls, since: state.sum.since.formatted(.iso8601),
                    bytes: state.sum.bytes, sha256: ObjectID(state.sum.hash.finalize()).description))
            state.sum = Sum()
        }
    }

    private static func now() -> String { Date().formatted(.iso8601) }
}
