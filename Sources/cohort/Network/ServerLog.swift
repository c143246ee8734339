#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Lines for people with the time, on standard output.
enum ServerLog {
    static func write(_ line: String) { print("\(Date().formatted(.iso8601)) \(line)") }
}
