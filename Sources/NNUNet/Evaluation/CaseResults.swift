import Synchronization

/// Where cases that are scored in parallel leave their metrics.
final class CaseResults: Sendable {
    private let state: Mutex<(metrics: [[SegmentationMetrics]], done: Int)>

    init(count: Int) { state = Mutex((Array(repeating: [], count: count), 0)) }

    /// Keeps a case's metrics and says how many cases are done.
    func set(_ index: Int, _ metrics: [SegmentationMetrics]) -> Int {
        state.withLock {
            $0.metrics[index] = metrics
            $0.done += 1
            return $0.done
        }
    }

    /// By case.
    var all: [[SegmentationMetrics]] { state.withLock { $0.metrics } }
}
