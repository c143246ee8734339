import Dispatch
import Synchronization

/// Batches that are ready or being made, in the order of their numbers.
final class BatchQueue: Sendable {
    private struct State {
        /// Rises when another series of numbers begins, so that threads of an older one end.
        var series = 0
        var isCancelled = false
        var nextToMake = 0
        var nextToTake: Int?
        var ready: [Int: Result<TrainingBatch, any Error>] = [:]
    }

    private let capacity: Int
    private let state = Mutex(State())
    /// Wake-ups for threads that found the queue full, and for a taker that found its batch missing.
    private let room = DispatchSemaphore(value: 0)
    private let arrival = DispatchSemaphore(value: 0)
    private let sleepers = Atomic(0)

    init(capacity: Int) { self.capacity = capacity }

    /// Begins a series at a number, unless it is the next of the series that runs; the new series, if one was begun.
    func begin(at number: Int) -> Int? {
        let series: Int? = state.withLock { state in
            guard !state.isCancelled, state.nextToTake != number else { return nil }
            state.series += 1
            state.nextToMake = number
            state.nextToTake = number
            state.ready.removeAll()
            return state.series
        }
        if series != nil { wakeAll() }
        return series
    }

    /// The next number to make, waiting for room; nil when the series is over.
    func claim(_ series: Int) -> Int? {
        while true {
            enum Answer { case over, full, number(Int) }
            let answer: Answer = state.withLock { state in
                guard !state.isCancelled, state.series == series, let taken = state.nextToTake else { return .over }
                guard state.nextToMake < taken + capacity else {
                    sleepers.add(1, ordering: .relaxed)
                    return .full
                }
                state.nextToMake += 1
                return .number(state.nextToMake - 1)
            }
            switch answer {
            case .over: return nil
            case .number(let number): return number
            case .full: room.wait()
            }
        }
    }

    func put(_ batch: Result<TrainingBatch, any Error>, number: Int, series: Int) {
        state.withLock { state in
            if state.series == series && !state.isCancelled { state.ready[number] = batch }
        }
        arrival.signal()
    }

    func take(_ number: Int) throws -> TrainingBatch {
        while true {
            let (batch, isCancelled) = state.withLock { state in
                let batch = state.ready.removeValue(forKey: number)
                if batch != nil { state.nextToTake = number + 1 }
                return (batch, state.isCancelled)
            }
            if let batch {
                wakeAll()
                return try batch.get()
            }
            if isCancelled { throw SamplingError.cancelled }
            arrival.wait()
        }
    }

    func cancel() {
        state.withLock { state in
            state.isCancelled = true
            state.ready.removeAll()
        }
        wakeAll()
        arrival.signal()
    }

    /// Lets every thread that waits for room look again.
    private func wakeAll() {
        let count = sleepers.exchange(0, ordering: .relaxed)
        for _ in 0..<count { room.signal() }
    }
}
