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
#elseif canImport(Darwin)
    import Darwin
#endif

/// How far long work is: a bar with rate and time left on a terminal, a plain line now and then in a log. On the error
/// stream, so that results can be piped.
final class Progress: Sendable {
    private struct State {
        var lastShown = 0.0
        var isFinished = false
    }
    private let title: String
    private let count: Int
    private let unit: String
    private let start = ContinuousClock.now
    private let isTerminal = isatty(2) == 1
    private let isSilent: Bool
    private let state = Mutex(State())

    init(_ title: String, count: Int, unit: String = "cases", isSilent: Bool = false) {
        self.title = title
        self.count = count
        self.unit = unit
        self.isSilent = isSilent
    }

    /// Shows that `done` of all are done, at most ten times a second, and in a log every ten seconds.
    func show(_ done: Int) {
        guard !isSilent else { return }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        let isLast = done >= count
        let isDue = state.withLock { state in
            guard !state.isFinished, isLast || elapsed - state.lastShown >= (isTerminal ? 0.1 : 10) else {
                return false
            }
            state.lastShown = elapsed
            state.isFinished = isLast
            return true
        }
        guard isDue else { return }
        let rate = elapsed > 0 ? Double(done) / elapsed : 0
        let left = rate > 0 ? Self.duration(Double(count - done) / rate) : "?"
        let speed = rate >= 1 || rate == 0 ? "\(Self.rounded(rate)) \(unit)/s" : "\(Self.rounded(1 / rate)) s each"
        let facts = "\(done)/\(count), \(speed), " + (isLast ? "took \(Self.duration(elapsed))" : "\(left) left")
        if isTerminal {
            let width = 28
            let filled = count == 0 ? width : width * done / count
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            StandardError.write("\r\u{1B}[K\(title) \(bar) \(facts)" + (isLast ? "\n" : ""))
        } else {
            StandardError.write("\(title): \(facts)\n")
        }
    }

    static func duration(_ seconds: Double) -> String {
        let total = Int(seconds.rounded())
        return total >= 3600
            ? "\(total / 3600) h \(total % 3600 / 60) min"
            : total >= 60 ? "\(total / 60) min \(total % 60) s" : "\(total) s"
    }

    static func rounded(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return value >= 100 ? "\(Int(value.rounded()))" : "\(tenths / 10).\(tenths % 10)"
    }
}

/// The error stream.
enum StandardError {
    static func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { fwrite($0) }
    }

    private static func fwrite(_ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(2, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
            Musl.write(2, bytes.baseAddress, bytes.count)
        #else
            Darwin.write(2, bytes.baseAddress, bytes.count)
        #endif
    }
}
