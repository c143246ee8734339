import Federation
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The server's clipping norm, round by round; in a file where it shall survive a restart.
public final class ClippingNorms: Sendable {
    private struct State: Codable {
        var round: Int
        /// Of this round, and of the next.
        var current: Double
        var next: Double
    }

    private let state: Mutex<State>
    private let file: URL?

    /// - Throws: `PrivacyError.file` where the file cannot be read.
    public init(first: Double, file: URL? = nil) throws {
        var state = State(round: .min, current: first, next: first)
        if let file, FileManager.default.fileExists(atPath: file.path) {
            guard let data = try? Data(contentsOf: file), let kept = try? JSONDecoder().decode(State.self, from: data),
                kept.current > 0, kept.next > 0, kept.current.isFinite, kept.next.isFinite
            else {
                throw PrivacyError.file(
                    file.lastPathComponent, reason: "the clipping norm cannot be read. Remove the file to begin anew.")
            }
            state = kept
        }
        self.state = Mutex(state)
        self.file = file
    }

    /// Of the round that is under way.
    public var current: Double { state.withLock { $0.current } }

    /// The norm of a round that begins; the same where it begins again.
    func begin(_ round: Int) throws -> Double {
        try change { state in
            if round != state.round { state = State(round: round, current: state.next, next: state.next) }
            return state.current
        }
    }

    /// Moves the next round's norm, once for each time a round was trained.
    func move(by factor: Double) throws {
        try change { $0.next = min(1e30, max(1e-30, $0.current * factor)) }
    }

    private func change<Result: Sendable>(_ body: @Sendable (inout State) -> Result) throws -> Result {
        try state.withLock { state in
            let result = body(&state)
            if let file {
                let data = try JSONEncoder().encode(state)
                try DurableFile.write(to: file) { file in try data.withUnsafeBytes { try file.write($0) } }
            }
            return result
        }
    }
}
