import Foundation

/// A program that was started; nothing but its three standard files is shared with it.
struct ChildProcess: Sendable {
    let id: pid_t

    /// - Parameter log: what it says is added to this file.
    init(_ program: URL, _ arguments: [String], log: URL) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log.path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Connections of the link must end with the link. One that is not open is passed over.
        for descriptor in Int32(3)..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var words = ([program.path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        let error = posix_spawn(&id, program.path, &actions, nil, &words, environ)
        guard error == 0 else { throw POSIXError(POSIXErrorCode(rawValue: error) ?? .ENOEXEC) }
        self.id = id
    }

    /// Returns when it has ended; cancelled, ends it.
    ///
    /// - Returns: its exit status; nil where a signal ended it.
    func ending() async -> Int32? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    var status: Int32 = 0
                    while waitpid(id, &status, 0) < 0 && errno == EINTR {}
                    continuation.resume(returning: status & 0x7f == 0 ? status >> 8 & 0xff : nil)
                }
            }
        } onCancel: {
            // It is there until `waitpid` has returned, which is after this or makes this needless.
            kill(id, SIGKILL)
        }
    }
}
