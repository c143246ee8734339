import Catalog

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Lines for people with the time, on standard output; refusals as JSON lines in a file of their own as well.
final class ServerLog: Sendable {
    private let audit: SiteLog

    init(audit: URL) { self.audit = SiteLog(audit) }

    func write(_ line: String) { print("\(Date().formatted(.iso8601)) \(line)") }

    /// Whom the server lets in was changed.
    struct Changed: Encodable {
        var time: String
        var change: String
    }

    func refused(_ call: RefusedCall) { add(call) }

    func changed(_ what: String) { add(Changed(time: Date().formatted(.iso8601), change: what)) }

    private func add(_ event: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let line = try? encoder.encode(event) { audit.write(String(decoding: line, as: UTF8.self)) }
    }
}
