import Synchronization

/// A way to a site in the same process. What a cancelled task still gives is dropped.
public struct InProcessLink: SiteLink {
    private let target: Site

    public init(_ site: Site) { target = site }

    public var site: String { target.name }

    public func perform(_ task: SiteTask) async throws -> SiteReply {
        let race = Race()
        let work = Task { [target] in
            do { race.end(.success(try await target.perform(task))) } catch { race.end(.failure(error)) }
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { race.begin($0) }
        } onCancel: {
            work.cancel()
            race.end(.failure(CancellationError()))
        }
    }

    /// The first result counts, whether it comes before or after someone waits for it.
    private final class Race: Sendable {
        private enum State {
            case open
            case waiting(CheckedContinuation<SiteReply, any Error>)
            case ended(Result<SiteReply, any Error>?)
        }
        private let state = Mutex(State.open)

        func begin(_ continuation: CheckedContinuation<SiteReply, any Error>) {
            let result = state.withLock { state -> Result<SiteReply, any Error>? in
                if case .ended(let result) = state {
                    state = .ended(nil)
                    return result
                }
                state = .waiting(continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }

        func end(_ result: Result<SiteReply, any Error>) {
            let waiting = state.withLock { state -> CheckedContinuation<SiteReply, any Error>? in
                switch state {
                case .open:
                    state = .ended(result)
                    return nil
                case .waiting(let continuation):
                    state = .ended(nil)
                    return continuation
                case .ended: return nil
                }
            }
            waiting?.resume(with: result)
        }
    }
}
