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

    func refused(_ call: RefusedCall) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let line = try? encoder.encode(call) { audit.write(String(decoding: line, as: UTF8.self)) }
    }
}
