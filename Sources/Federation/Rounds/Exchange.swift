/// Tasks for several sites at once.
enum Exchange {
    struct Outcome: Sendable {
        var site: String
        var seconds: Double
        var result: Result<SiteReply, any Error>
        /// Given up at the deadline.
        var isLate = false
    }

    /// Gives every site its task and hands over the replies as they come. At the end of the time the rest is given up.
    static func perform(
        _ tasks: [(link: any SiteLink, task: SiteTask)], until end: Deadline?,
        isolation: isolated (any Actor)? = #isolation, each: (Outcome) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Outcome?.self) { group in
            let clock = ContinuousClock()
            let start = clock.now
            for (link, task) in tasks {
                group.addTask {
                    let result: Result<SiteReply, any Error>
                    do { result = .success(try await link.perform(task)) } catch { result = .failure(error) }
                    return Outcome(site: link.site, seconds: (clock.now - start) / .seconds(1), result: result)
                }
            }
            if let end {
                group.addTask {
                    try? await end.isOver()
                    return nil
                }
            }
            var left = tasks.count
            var isOver = false
            while left > 0, let next = try await group.next() {
                guard var outcome = next else {
                    try Task.checkCancellation()
                    isOver = true
                    group.cancelAll()
                    continue
                }
                if isOver, case .failure = outcome.result { outcome.isLate = true }
                left -= 1
                try await each(outcome)
            }
            group.cancelAll()
        }
    }
}
