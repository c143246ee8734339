import Dispatch
import Synchronization

/// Runs `body(0) … body(count - 1)` on up to `threads` cores and returns when all are done; the first error is thrown,
/// and work that has not begun by then is left out.
///
/// For kernels and whole cases alike: `body` must not wait for anything that another index does.
public func concurrently(_ count: Int, threads: Int = defaultThreads, _ body: @Sendable (Int) throws -> Void) throws {
    guard count > 0 else { return }
    if threads <= 1 || count == 1 {
        for index in 0..<count { try body(index) }
        return
    }
    let next = Atomic(0)
    let failure = Mutex<(any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
        while true {
            let index = next.add(1, ordering: .relaxed).oldValue
            guard index < count, failure.withLock({ $0 == nil }) else { return }
            do { try body(index) } catch { failure.withLock { $0 = $0 ?? error } }
        }
    }
    if let error = failure.withLock({ $0 }) { throw error }
}

/// The cores that this process may use.
public let defaultThreads = activeProcessorCount()

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

private func activeProcessorCount() -> Int { ProcessInfo.processInfo.activeProcessorCount }
