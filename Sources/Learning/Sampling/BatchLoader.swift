import Dispatch
import Imaging
import Synchronization

/// Makes batches ahead of the trainer, on threads of its own.
///
/// A batch follows from the seed and its number alone, whatever the threads. The queue is bounded; the threads end when
/// the loader is released or ``cancel()`` is called.
public final class BatchLoader: BatchSource {
    public let threads: Int
    private let recipe: BatchRecipe
    private let queue: BatchQueue
    /// For batches that are made when asked for.
    private let scratch = Mutex(AugmentationScratch())

    /// - Parameters:
    ///   - sources: the cases, each as likely as any other; in an order that a resumed run finds again.
    ///   - threads: none makes each batch when it is asked for.
    ///   - ahead: how many batches may wait; at least one.
    /// - Throws: ``SamplingError`` where there are no cases, or they differ in their channels.
    public init(
        sources: [any PatchSource], sampler: PatchSampler, pipeline: AugmentationPipeline, seed: UInt64,
        purpose: Philox.Purpose = .training, threads: Int = 2, ahead: Int = 3
    ) throws {
        recipe = try BatchRecipe(sources: sources, sampler: sampler, pipeline: pipeline, seed: seed, purpose: purpose)
        self.threads = max(0, threads)
        queue = BatchQueue(capacity: max(1, ahead))
    }

    /// The batch of a number, waiting for it where it is not ready. For one caller at a time.
    ///
    /// Numbers that follow each other are made ahead; any other number begins a new series.
    public func batch(_ number: Int) throws -> TrainingBatch {
        if threads == 0 { return try scratch.withLock { try recipe.batch(number, scratch: $0) } }
        if let series = queue.begin(at: number) {
            for _ in 0..<threads {
                // Without the loader, so that its release ends the threads.
                DispatchQueue.global().async { [recipe, queue] in
                    let scratch = AugmentationScratch()
                    while let number = queue.claim(series) {
                        queue.put(Result { try recipe.batch(number, scratch: scratch) }, number: number, series: series)
                    }
                }
            }
        }
        return try queue.take(number)
    }

    /// Ends the threads; a batch that is being waited for is given up with an error.
    public func cancel() { queue.cancel() }

    deinit { queue.cancel() }
}

/// All that a batch follows from.
struct BatchRecipe: Sendable {
    let sources: [any PatchSource]
    let sampler: PatchSampler
    let pipeline: AugmentationPipeline
    let seed: UInt64
    let purpose: Philox.Purpose

    init(
        sources: [any PatchSource], sampler: PatchSampler, pipeline: AugmentationPipeline, seed: UInt64,
        purpose: Philox.Purpose
    ) throws {
        guard let first = sources.first else { throw SamplingError.noCases }
        if let other = sources.first(where: { $0.channels != first.channels }) {
            throw SamplingError.channelsDiffer(
                identifier: other.identifier, channels: other.channels, others: first.channels)
        }
        self.sources = sources
        self.sampler = sampler
        self.pipeline = pipeline
        self.seed = seed
        self.purpose = purpose
    }

    func batch(_ number: Int, scratch: AugmentationScratch) throws -> TrainingBatch {
        let size = sampler.batchSize
        let patchSize = pipeline.settings.patchSize
        let layout = pipeline.targets
        let channels = sources[0].channels
        let voxels = patchSize.reduce(1, *)
        var targets = layout.shapes.indices.map { _ in [Int16]() }
        for level in targets.indices {
            targets[level] = Array(unsafeUninitializedCapacity: size * layout.count(level: level)) { buffer, count in
                buffer.initialize(repeating: 0)
                count = buffer.count
            }
        }
        let data = try Volume<Float>(
            shape: [size, channels] + patchSize,
            unsafeUninitialized: { data in
                guard let image = data.baseAddress else { return }
                for sample in 0..<size {
                    try write(sample, of: number, image + sample * channels * voxels, &targets, scratch)
                }
            })
        let volumes = zip(layout.shapes, targets).map { shape, elements in
            Volume(shape: [size, layout.channels] + shape, elements: elements)
        }
        return TrainingBatch(data: data, targets: volumes)
    }

    private func write(
        _ sample: Int, of number: Int, _ image: UnsafeMutablePointer<Float>, _ targets: inout [[Int16]],
        _ scratch: AugmentationScratch
    ) throws {
        var generator = Philox(seed: seed, purpose: purpose, batch: number, sample: sample)
        let source = sources[generator.integer(below: sources.count)]
        let forced = sampler.forcesForeground(sample: sample, using: &generator)
        let origin = sampler.origin(
            shape: source.shape, classLocations: source.classLocations, forcesForeground: forced, using: &generator)
        let parameters = pipeline.draw(channels: source.channels, using: &generator)
        let layout = pipeline.targets
        let labels = scratch.patchLabels(pipeline.settings.patchSize.reduce(1, *))
        try pipeline.write(
            source: source, origin: origin, parameters: parameters, image: image, labels: labels, scratch: scratch)
        for level in targets.indices {
            targets[level].withUnsafeMutableBufferPointer { target in
                guard let start = target.baseAddress else { return }
                layout.write(level: level, labels: labels, to: start + sample * layout.count(level: level))
            }
        }
    }
}

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
