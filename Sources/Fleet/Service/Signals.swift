/// Wakes those who wait for something to happen.
struct Signals<Key: Hashable & Sendable> {
    private var waiting: [Key: [Int: AsyncStream<Never>.Continuation]] = [:]
    private var count = 0

    /// What a waiter holds: taken before it looks, so that nothing happens unseen between looking and waiting.
    struct Ticket: Sendable {
        fileprivate let key: Key
        fileprivate let number: Int
        fileprivate let stream: AsyncStream<Never>

        /// Returns when it happened, when the time is over, or when the task is cancelled.
        func wait(atMost duration: Duration) async {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in stream {} }
                group.addTask { try? await Task.sleep(for: duration) }
                await group.next()
                group.cancelAll()
            }
        }
    }

    mutating func ticket(for key: Key) -> Ticket {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        count += 1
        waiting[key, default: [:]][count] = continuation
        return Ticket(key: key, number: count, stream: stream)
    }

    mutating func giveBack(_ ticket: Ticket) {
        waiting[ticket.key]?[ticket.number] = nil
        if waiting[ticket.key]?.isEmpty == true { waiting[ticket.key] = nil }
    }

    mutating func fire(_ key: Key) {
        for continuation in (waiting.removeValue(forKey: key) ?? [:]).values { continuation.finish() }
    }

    mutating func fireAll() { for key in Array(waiting.keys) { fire(key) } }
}
