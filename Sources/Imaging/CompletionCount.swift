import Synchronization

/// Counts finished pieces of work from 1, from any thread.
package final class CompletionCount: Sendable {
    private let value = Atomic(0)

    package init() {}

    /// One more is done; returns how many are.
    package func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}
