/// What is done to one sample: the outcome of every draw, so that a sample can be made again, and tested, without chance.
public struct AugmentationParameters: Sendable, Equatable {
    /// Rotation and scaling of the grid.
    public struct Spatial: Sendable, Equatable {
        /// About each spatial axis, in radians; of slices, only the last one counts.
        public var angles: [Double]
        /// Along each spatial axis; above one, objects become smaller.
        public var scales: [Double]

        public init(angles: [Double], scales: [Double]) {
            self.angles = angles
            self.scales = scales
        }
    }

    public struct Noise: Sendable, Equatable {
        public var standardDeviation: Double
        public var seed: UInt64

        public init(standardDeviation: Double, seed: UInt64) {
            self.standardDeviation = standardDeviation
            self.seed = seed
        }
    }

    /// Nil where the grid stays, and the patch is a plain crop.
    public var spatial: Spatial?
    public var noise: Noise?
    /// For each channel a standard deviation per axis, or nil; empty where no channel is blurred. The fields below alike.
    public var blur: [[Double]?] = []
    public var brightness: [Double?] = []
    public var contrast: [Double?] = []
    /// For each channel a scale per axis.
    public var lowResolution: [[Double]?] = []
    public var invertedGamma: [Double?] = []
    public var gamma: [Double?] = []
    public var mirroredAxes: [Int] = []

    /// Nothing at all is done.
    public init() {}

    /// Draws what happens to one sample.
    public init(settings: AugmentationSettings, channels: Int, using generator: inout Philox) {
        let axes = settings.patchSize.count
        let rotates = generator.chance(settings.rotationProbability)
        let scales = generator.chance(settings.scalingProbability)
        if rotates || scales {
            let spatialAxes = settings.isPlanar ? axes - 1 : axes
            var angles = [Double](repeating: 0, count: spatialAxes)
            if rotates {
                for axis in angles.indices { angles[axis] = generator.uniform(in: settings.rotation) }
            }
            let scale = scales ? generator.uniform(in: settings.scaling) : 1
            spatial = Spatial(angles: angles, scales: Array(repeating: scale, count: spatialAxes))
        }
        if generator.chance(settings.noiseProbability) {
            noise = Noise(standardDeviation: generator.uniform(in: settings.noise), seed: generator.next())
        }
        if generator.chance(settings.blurProbability) {
            blur = (0..<channels).map { _ in
                guard generator.chance(settings.blurPerChannel) else { return nil }
                return (0..<axes).map { _ in generator.uniform(in: settings.blur) }
            }
        }
        if generator.chance(settings.brightnessProbability) {
            brightness = (0..<channels).map { _ in Self.factor(settings.brightness, &generator) }
        }
        if generator.chance(settings.contrastProbability) {
            contrast = (0..<channels).map { _ in Self.factor(settings.contrast, &generator) }
        }
        if generator.chance(settings.lowResolutionProbability) {
            lowResolution = (0..<channels).map { _ in
                guard generator.chance(settings.lowResolutionPerChannel) else { return nil }
                var scales = [Double](repeating: generator.uniform(in: settings.lowResolution), count: axes)
                if settings.isPlanar { scales[0] = 1 }
                return scales
            }
        }
        if generator.chance(settings.invertedGammaProbability) {
            invertedGamma = (0..<channels).map { _ in Self.factor(settings.gamma, &generator) }
        }
        if generator.chance(settings.gammaProbability) {
            gamma = (0..<channels).map { _ in Self.factor(settings.gamma, &generator) }
        }
        mirroredAxes = settings.mirrorAxes.filter { _ in generator.chance(0.5) }
    }

    /// Below one and above one equally often, where the range holds both.
    private static func factor(_ range: ClosedRange<Double>, _ generator: inout Philox) -> Double {
        if range.lowerBound < 1 && generator.chance(0.5) {
            return generator.uniform(in: range.lowerBound...1)
        }
        let lower = max(range.lowerBound, 1)
        return generator.uniform(in: lower...max(lower, range.upperBound))
    }
}
