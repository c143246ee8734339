#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The memory that a program can still have.
enum MainMemory {
    /// Bytes, the container's limit counted; nil where the system does not tell.
    static func available() -> Int? {
        guard let machine = value("MemAvailable:", in: "/proc/meminfo") else { return nil }
        guard let limit = number("/sys/fs/cgroup/memory.max"), let used = number("/sys/fs/cgroup/memory.current") else {
            return machine
        }
        // Cached files count as used and are given up when memory is needed.
        let cached = value("inactive_file", in: "/sys/fs/cgroup/memory.stat", unit: 1) ?? 0
        return min(machine, max(0, limit - used + cached))
    }

    private static func lines(_ path: String) -> [Substring] {
        (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
    }

    private static func value(_ key: String, in path: String, unit: Int = 1024) -> Int? {
        lines(path).first { $0.hasPrefix(key + " ") }.flatMap { line in
            line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * unit }
        }
    }

    private static func number(_ path: String) -> Int? { lines(path).first.flatMap { Int($0) } }
}
