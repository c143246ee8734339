/// When the time for replies is over, by some clock.
struct Deadline: Sendable {
    private let wait: @Sendable () async throws -> Void

    init<C: Clock>(after duration: Duration, _ clock: C) where C.Duration == Duration {
        let end = clock.now.advanced(by: duration)
        wait = { try await clock.sleep(until: end, tolerance: nil) }
    }

    /// Returns when it is over; throws when the task is cancelled before that.
    func isOver() async throws { try await wait() }
}
