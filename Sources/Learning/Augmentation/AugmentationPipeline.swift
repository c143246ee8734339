import Imaging

/// Makes a training sample out of a place in a case: nnU-Net's chain of transforms, in its order.
///
/// Two things are done elsewhere than in the original, with the same outcome. A patch whose grid stays is cut at its
/// final size at once, and otherwise only what the turned grid touches is read: the initial patch is never made. And
/// mirroring, which comes last, is done while cutting: what follows treats both directions of an axis alike, or is told.
public struct AugmentationPipeline: Sendable {
    public let settings: AugmentationSettings
    public let targets: TargetLayout
    /// Channels that are zero wherever the label says "outside" (−1): those normalised within the nonzero mask.
    public let maskedChannels: [Int]

    public init(settings: AugmentationSettings, targets: TargetLayout, maskedChannels: [Int] = []) {
        self.settings = settings
        self.targets = targets
        self.maskedChannels = maskedChannels
    }

    /// Patches as they are, with targets of the same form: what validation sees.
    public func withoutAugmentation() -> AugmentationPipeline {
        AugmentationPipeline(settings: .none(patchSize: settings.patchSize), targets: targets)
    }

    /// What is done to one sample.
    public func draw(channels: Int, using generator: inout Philox) -> AugmentationParameters {
        AugmentationParameters(settings: settings, channels: channels, using: &generator)
    }

    /// The sample that given parameters make.
    ///
    /// - Parameters:
    ///   - origin: where the initial patch begins along the case's three axes; may be negative.
    /// - Returns: the image, (channel, axes of the patch…), and the labels, (axes of the patch…), with −1 made 0.
    public func sample(
        of source: any PatchSource, at origin: [Int], parameters: AugmentationParameters
    ) throws -> (image: Volume<Float>, labels: Volume<Int16>) {
        let scratch = AugmentationScratch()
        var image = Volume<Float>(shape: [source.channels] + settings.patchSize, repeating: 0)
        var labels = Volume<Int16>(shape: settings.patchSize, repeating: 0)
        try image.elements.withUnsafeMutableBufferPointer { image in
            try labels.elements.withUnsafeMutableBufferPointer { labels in
                guard let image = image.baseAddress, let labels = labels.baseAddress else { return }
                try write(
                    source: source, origin: origin, parameters: parameters, image: image, labels: labels,
                    scratch: scratch)
            }
        }
        return (image, labels)
    }

    /// Writes a sample; `image` and `labels` have room for the patch.
    func write(
        source: any PatchSource, origin: [Int], parameters: AugmentationParameters, image: UnsafeMutablePointer<Float>,
        labels: UnsafeMutablePointer<Int16>, scratch: AugmentationScratch
    ) throws {
        let isSlice = settings.patchSize.count == 2
        let sample = SampleBuffer(
            image: image, labels: labels, channels: source.channels, shape: Self.extent(settings.patchSize))
        var mirrored = [false, false, false]
        for axis in parameters.mirroredAxes { mirrored[isSlice ? axis + 1 : axis] = true }
        try place(source, SIMD3(origin[0], origin[1], origin[2]), parameters.spatial, mirrored, sample, scratch)
        change(sample, parameters, mirrored, scratch)
        finish(sample)
    }

    /// Cuts or samples the patch.
    private func place(
        _ source: any PatchSource, _ origin: SIMD3<Int>, _ spatial: AugmentationParameters.Spatial?, _ mirrored: [Bool],
        _ sample: SampleBuffer, _ scratch: AugmentationScratch
    ) throws {
        let initial = Self.extent(settings.initialPatchSize)
        let patch = sample.shape
        var start = SIMD3<Int>()
        for axis in 0..<3 { start[axis] = initial[axis] / 2 - patch[axis] / 2 }
        let isPlanar = settings.isPlanar || settings.patchSize.count == 2
        let grid = spatial.map {
            AffineGrid(angles: $0.angles, scales: $0.scales, patch: patch, initial: initial, mirrored: mirrored)
        }

        func make(_ volume: BorrowedVolume) {
            if let grid {
                AffineSampling(
                    source: volume, grid: grid, isPlanar: isPlanar, imageInterpolation: settings.imageInterpolation,
                    labelInterpolation: settings.labelInterpolation
                ).run(into: sample, scratch: scratch)
            } else {
                crop(volume, start: start, mirrored: mirrored, into: sample)
            }
        }

        let whole: Void? = source.withMemory { image, labels in
            make(
                BorrowedVolume(
                    image: image, labels: labels, channels: source.channels, shape: Self.extent(source.shape),
                    origin: origin, initial: initial))
        }
        if whole != nil { return }

        // Only what is needed of the initial patch, and that only inside of the case, is read.
        var (lower, upper) = (start, start &+ patch)
        if let grid { (lower, upper) = grid.reach(of: patch) }
        let shape = Self.extent(source.shape)
        var box: [Range<Int>] = []
        var corner = SIMD3<Int>()
        var extent = SIMD3<Int>()
        for axis in 0..<3 {
            let first = max(0, origin[axis], origin[axis] + lower[axis])
            let end = max(first, min(shape[axis], origin[axis] + min(initial[axis], upper[axis])))
            box.append(first..<end)
            corner[axis] = first
            extent[axis] = end - first
        }
        let voxels = extent[0] * extent[1] * extent[2]
        let memory = scratch.box(voxels: voxels, channels: source.channels)
        if voxels > 0 { try source.read(box, image: memory.0, labels: memory.1) }
        var volume = BorrowedVolume(
            image: memory.0, labels: memory.1, channels: source.channels, shape: extent, origin: SIMD3(),
            initial: extent)
        volume.lower = corner &- origin
        make(volume)
    }

    /// Changes the image's values.
    private func change(
        _ sample: SampleBuffer, _ parameters: AugmentationParameters, _ mirrored: [Bool], _ scratch: AugmentationScratch
    ) {
        let count = sample.voxels
        let isSlice = settings.patchSize.count == 2
        if let noise = parameters.noise {
            var normal = NormalNoise(seed: noise.seed)
            let deviation = Float(noise.standardDeviation)
            normal.add(to: sample.image, count: count * sample.channels, standardDeviation: deviation)
        }
        for channel in 0..<sample.channels {
            let values = sample.channel(channel)
            if let sigmas = parameters.blur.value(channel) {
                let perAxis = (isSlice ? [nil] : []) + sigmas.map(Optional.some)
                GaussianBlur.apply(values, shape: sample.shape, sigmas: perAxis, scratch: scratch)
            }
            if let factor = parameters.brightness.value(channel) {
                Intensity.multiply(values, count: count, by: Float(factor))
            }
            if let factor = parameters.contrast.value(channel) {
                Intensity.contrast(values, count: count, factor: Float(factor))
            }
            if let scales = parameters.lowResolution.value(channel) {
                let perAxis = (isSlice ? [1] : []) + scales
                LowResolution.apply(values, shape: sample.shape, scales: perAxis, mirrored: mirrored, scratch: scratch)
            }
            if let exponent = parameters.invertedGamma.value(channel) {
                Intensity.gamma(values, count: count, exponent: Float(exponent), isInverted: true)
            }
            if let exponent = parameters.gamma.value(channel) {
                Intensity.gamma(values, count: count, exponent: Float(exponent), isInverted: false)
            }
        }
    }

    /// Blanks what lies outside in the channels that want it, and takes the label −1 away.
    private func finish(_ sample: SampleBuffer) {
        for channel in maskedChannels where channel < sample.channels {
            let values = sample.channel(channel)
            for voxel in 0..<sample.voxels where sample.labels[voxel] < 0 { values[voxel] = 0 }
        }
        for voxel in 0..<sample.voxels { sample.labels[voxel] = max(sample.labels[voxel], 0) }
    }

    /// A shape of two or three axes as (z, y, x).
    private static func extent(_ shape: [Int]) -> SIMD3<Int> {
        shape.count == 2 ? SIMD3(1, shape[0], shape[1]) : SIMD3(shape[0], shape[1], shape[2])
    }
}

extension Array {
    /// A channel's value, which an empty array has for none.
    fileprivate func value<Value>(_ channel: Int) -> Value? where Element == Value? {
        channel < count ? self[channel] : nil
    }
}
