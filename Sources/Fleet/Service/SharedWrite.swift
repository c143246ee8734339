/// Brings what was written to the disk; those who ask at the same time share one write.
///
/// After one has failed, all fail: what the system could not write it forgets, and says so once.
actor SharedWrite {
    private let body: @Sendable () throws -> Void
    private let failed: @Sendable (any Error) -> Void
    private var next: Task<Void, any Error>?
    private var failure: (any Error)?

    /// - Parameter failed: told of the first failure.
    init(_ body: @escaping @Sendable () throws -> Void, failed: @escaping @Sendable (any Error) -> Void) {
        (self.body, self.failed) = (body, failed)
    }

    /// Returns when a write that began after this call has ended.
    func callAsFunction() async throws {
        if let next { return try await next.value }
        let write = Task {
            // Those who come from here on wait for another.
            next = nil
            if let failure { throw failure }
            do { try body() } catch {
                failure = error
                failed(error)
                throw error
            }
        }
        next = write
        try await write.value
    }
}
