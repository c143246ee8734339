import Synchronization

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

    struct Refused: Encodable {
        var time: String
        var peer: String?
        var address: String
        var route: String?
        var status: Int?
        var reason: String
    }

    func refused(_ event: Refused) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let line = try? encoder.encode(event) { audit.write(String(decoding: line, as: UTF8.self)) }
    }
}
