/// Brings what was written to the disk; those who ask at the same time share one write.
actor SharedWrite {
    private let body: @Sendable () throws -> Void
    private var next: Task<Void, any Error>?

    init(_ body: @escaping @Sendable () throws -> Void) { self.body = body }

    /// Returns when a write that began after this call has ended.
    func callAsFunction() async throws {
        if let next { return try await next.value }
        let write = Task {
            // Those who come from here on wait for another.
            next = nil
            try body()
        }
        next = write
        try await write.value
    }
}
