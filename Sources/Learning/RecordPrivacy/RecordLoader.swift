import Dispatch
import Synchronization

/// Makes the patches of a step's records ahead of the trainer, on threads of its own.
public final class RecordLoader: RecordSource {
    public let threads: Int
    private let recipe: RecordRecipe
    private let ahead: Int
    /// The records that were announced.
    private let order = Mutex<Order?>(nil)
    /// For patches that are made when asked for.
    private let scratch = Mutex(AugmentationScratch())

    private struct Order {
        var step: Int
        var records: [Int]
        var next = 0
        var queue: BatchQueue
    }

    /// - Parameters:
    ///   - sources: the cases.
    ///   - groups: which of them are one record.
    ///   - sampler: its batch size is the number of patches that a record gives. Foreground is forced by chance for each,
    ///     whatever the sampler says: a place in a batch would tell of the others.
    ///   - threads: none makes patches when they are asked for.
    ///   - ahead: of how many records patches may wait; at least one.
    /// - Throws: ``SamplingError`` where there are no cases, or they differ in their channels.
    public init(
        sources: [any PatchSource], groups: RecordGroups, sampler: PatchSampler, pipeline: AugmentationPipeline,
        seed: UInt64, threads: Int = 1, ahead: Int = 3
    ) throws {
        var sampler = sampler
        sampler.isProbabilistic = true
        recipe = RecordRecipe(
            try BatchRecipe(sources: sources, sampler: sampler, pipeline: pipeline, seed: seed, purpose: .training),
            groups: groups)
        self.threads = max(0, threads)
        self.ahead = max(1, ahead)
    }

    public var records: [String] { recipe.records }

    public func prepare(_ records: [Int], step: Int) {
        guard threads > 0, !records.isEmpty else { return }
        let queue = BatchQueue(capacity: ahead)
        order.withLock {
            $0?.queue.cancel()
            $0 = Order(step: step, records: records, queue: queue)
        }
        guard let series = queue.begin(at: 0) else { return }
        for _ in 0..<min(threads, records.count) {
            DispatchQueue.global().async { [recipe] in
                let scratch = AugmentationScratch()
                while let place = queue.claim(series), place < records.count {
                    queue.put(
                        Result { try recipe.patches(of: records[place], step: step, scratch: scratch) }, number: place,
                        series: series)
                }
            }
        }
    }

    /// For one caller at a time. Records that were announced come in their order; others are made at once.
    public func patches(of record: Int, step: Int) throws -> TrainingBatch {
        let announced: (queue: BatchQueue, place: Int)? = order.withLock { order in
            guard let now = order, now.step == step, now.next < now.records.count, now.records[now.next] == record
            else { return nil }
            order?.next += 1
            return (now.queue, now.next)
        }
        if let announced { return try announced.queue.take(announced.place) }
        return try scratch.withLock { try recipe.patches(of: record, step: step, scratch: $0) }
    }

    deinit { order.withLock { $0?.queue.cancel() } }
}
