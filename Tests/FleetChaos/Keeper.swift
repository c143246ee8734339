import Foundation
import Synchronization

/// Keeps a program running as a service's keeper does: started again whenever it ends, until it has done its work.
final class Keeper: Sendable {
    let name: String
    private let program: URL
    private let arguments: [String]
    /// What it says, of all its lives.
    let log: URL
    private let state = Mutex(State())

    private struct State {
        var process: Int32?
        var isBeingKilled = false
        var pause = 0.0
        var kills = 0
        var failures = 0
    }

    init(_ name: String, _ program: URL, _ arguments: [String], in folder: URL) {
        self.name = name
        self.program = program
        self.arguments = arguments
        log = folder.appending(path: "\(name).log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
    }

    /// Whether there is no process at this moment.
    var hasEnded: Bool { state.withLock { $0.process == nil } }
    /// How often it was killed.
    var kills: Int { state.withLock { $0.kills } }
    /// How often it gave up by itself.
    var failures: Int { state.withLock { $0.failures } }

    /// Ends the process at this instant.
    ///
    /// - Parameter pause: seconds until it is started again.
    func kill(pause: Double) {
        state.withLock { state in
            guard let process = state.process, !state.isBeingKilled else { return }
            state.isBeingKilled = true
            state.pause = pause
            state.kills += 1
            Foundation.kill(process, SIGKILL)
        }
    }

    /// Returns when the program ends without an error; cancelled, kills it.
    ///
    /// - Parameter begins: called with each life's number of bytes in the log before it.
    func run(begins: @Sendable (_ offset: UInt64) async throws -> Void = { _ in }) async throws {
        while true {
            let offset = (try? FileManager.default.attributesOfItem(atPath: log.path)[.size] as? UInt64) ?? 0
            let process = try ChildProcess(program, arguments, log: log)
            state.withLock { ($0.process, $0.isBeingKilled) = (process.id, false) }
            async let status = {
                let status = await process.ending()
                state.withLock { $0.process = nil }
                return status
            }()
            try? await begins(offset)
            let ending = await status
            let wasKilled = state.withLock { $0.isBeingKilled }
            try Task.checkCancellation()
            if wasKilled {
                try await Task.sleep(for: .seconds(state.withLock { $0.pause }))
            } else {
                if ending == 0 { return }
                state.withLock { $0.failures += 1 }
                try await Task.sleep(for: .milliseconds(300))
            }
        }
    }

    /// What is in the log from an offset on.
    func text(from offset: UInt64 = 0) -> String {
        guard let file = try? FileHandle(forReadingFrom: log) else { return "" }
        defer { try? file.close() }
        try? file.seek(toOffset: offset)
        return String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
    }
}
