import Catalog
import Fleet
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Refused calls, and changes of whom the server lets in: JSON lines in a file of their own, and words in the server's log.
///
/// Who is refused over and over fills no disk with it: of each caller and status there are so many lines in a minute, and
/// then one that says how many more there were.
final class AuditLog: Sendable {
    /// Whom the server lets in was changed.
    private struct Change: Encodable {
        var time: String
        var change: String
    }

    /// A member by its name; others by their address; those beyond the most that are told apart together.
    private enum Caller: Hashable { case peer(String), address(String), others }

    private struct Kind: Hashable {
        var caller: Caller
        var status: Int?
    }

    private let file: SiteLog
    private let linesPerMinute: Int
    private let kindsPerMinute: Int
    private let tell: @Sendable (String) -> Void
    private let counts = Mutex<[Kind: Int]>([:])

    /// - Parameter tell: the server's log.
    init(
        _ url: URL, linesPerMinute: Int = 60, kindsPerMinute: Int = 1000,
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        file = SiteLog(url)
        self.linesPerMinute = linesPerMinute
        self.kindsPerMinute = kindsPerMinute
        self.tell = tell
    }

    func write(_ event: AuditEvent) {
        let count = counts.withLock { counts in
            var kind = Kind(caller: event.peer.map(Caller.peer) ?? .address(event.address), status: event.status)
            if counts[kind] == nil, counts.count >= kindsPerMinute { kind.caller = .others }
            counts[kind, default: 0] += 1
            return counts[kind]!
        }
        guard count <= linesPerMinute else { return }
        let status = event.status.map { " \($0)" } ?? ""
        tell("refused\(status): \(event.peer ?? event.address) \(event.route ?? ""): \(event.reason)")
        write(
            RefusedCall(
                time: event.time.formatted(.iso8601), peer: event.peer, address: event.address, route: event.route,
                status: event.status, reason: event.reason))
    }

    /// Ends a minute after the other, until it is cancelled.
    func run() async throws {
        while true {
            try await Task.sleep(for: .seconds(60))
            endMinute()
        }
    }

    /// Says how many lines were left out.
    func endMinute() {
        let counts = counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
        for (kind, count) in counts where count > linesPerMinute {
            let reason = "\(count - linesPerMinute) more refusals in a minute have no line of their own"
            var line = RefusedCall(time: Date().formatted(.iso8601), status: kind.status, reason: reason)
            let name: String
            switch kind.caller {
            case .peer(let peer): (line.peer, name) = (peer, peer)
            case .address(let address): (line.address, name) = (address, address)
            case .others: name = "other addresses"
            }
            tell("refused: \(name): \(reason)")
            write(line)
        }
    }

    /// Notes what was changed of whom the server lets in.
    ///
    /// - Throws: where that cannot be noted.
    func changed(_ what: String) throws { try append(Change(time: Date().formatted(.iso8601), change: what)) }

    /// A refusal stays one, also where it cannot be noted; then the server's log says so.
    private func write(_ line: some Encodable) {
        do { try append(line) } catch { tell("no line of the refusal: \(error)") }
    }

    private func append(_ line: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try file.append(String(decoding: encoder.encode(line), as: UTF8.self))
    }
}
