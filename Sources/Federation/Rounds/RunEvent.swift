/// What a run tells those who watch it.
public enum RunEvent: Sendable, Equatable {
    case waiting(for: Int, secondsLeft: Double?)
    case preparing(String, round: Int)
    /// To a question before the first round, or of a filter.
    case answerArrived(site: String, step: String, received: Int, of: Int)
    case siteLeftOut(String, during: String, reason: String)
    case roundBegins(Int, of: Int, sites: [String])
    case updateArrived(site: String, round: Int, received: Int, of: Int)
    case aggregating(round: Int)
    case validating(round: Int)
    case roundEnds(RoundReport)
    /// The run goes on after rounds that were done before.
    case resumed(after: [RoundReport])
}

/// Watches a run: a log, a page, a file of metrics.
public protocol RoundObserver: Sendable {
    func observe(_ event: RunEvent) async
}
