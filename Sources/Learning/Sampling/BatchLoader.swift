import Dispatch
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
