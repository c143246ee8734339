import Imaging

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
        try batch(scratch: scratch) { sample in
            var generator = Philox(seed: seed, purpose: purpose, batch: number, sample: sample)
            return (generator.integer(below: sources.count), generator)
        }
    }

    /// A batch of patches of given cases.
    ///
    /// - Parameter choose: which source a sample is of, and the generator that all else of it is drawn from.
    func batch(
        scratch: AugmentationScratch, choosing choose: (_ sample: Int) -> (source: Int, generator: Philox)
    ) throws -> TrainingBatch {
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
                    try write(sample, choose(sample), image + sample * channels * voxels, &targets, scratch)
                }
            })
        let volumes = zip(layout.shapes, targets).map { shape, elements in
            Volume(shape: [size, layout.channels] + shape, elements: elements)
        }
        return TrainingBatch(data: data, targets: volumes)
    }

    private func write(
        _ sample: Int, _ choice: (source: Int, generator: Philox), _ image: UnsafeMutablePointer<Float>,
        _ targets: inout [[Int16]], _ scratch: AugmentationScratch
    ) throws {
        var generator = choice.generator
        let source = sources[choice.source]
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
