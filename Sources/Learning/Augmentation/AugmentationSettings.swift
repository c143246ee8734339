/// What may happen to a training sample, how likely and how strongly; nnU-Net's figures unless changed.
///
/// Probabilities are per sample, except those named `…PerChannel`. Angles are radians.
public struct AugmentationSettings: Sendable, Equatable {
    /// How a value between voxels is found.
    public enum Interpolation: String, Sendable, CaseIterable { case nearest, linear }

    /// What the network gets: two axes or three.
    public var patchSize: [Int]
    /// What is laid over the case: larger, so that a rotated or shrunken patch still finds voxels.
    public var initialPatchSize: [Int]
    /// Whether a volume is rotated and scaled slice by slice, because its first axis is much coarser ("dummy 2D").
    public var isPlanar: Bool

    public var rotationProbability = 0.2
    public var rotation: ClosedRange<Double>
    public var scalingProbability = 0.2
    /// Above one, objects become smaller.
    public var scaling = 0.7...1.4
    public var imageInterpolation = Interpolation.linear
    public var labelInterpolation = Interpolation.linear

    public var noiseProbability = 0.1
    /// Of the standard deviation.
    public var noise = 0.0...0.1

    public var blurProbability = 0.2
    public var blurPerChannel = 0.5
    /// Standard deviation in voxels, drawn for each channel and axis.
    public var blur = 0.5...1.0

    public var brightnessProbability = 0.15
    public var brightness = 0.75...1.25

    public var contrastProbability = 0.15
    public var contrast = 0.75...1.25

    public var lowResolutionProbability = 0.25
    public var lowResolutionPerChannel = 0.5
    public var lowResolution = 0.5...1.0

    public var invertedGammaProbability = 0.1
    public var gammaProbability = 0.3
    public var gamma = 0.7...1.5

    /// Each is mirrored with probability one half. Test-time mirroring goes along the same axes.
    public var mirrorAxes: [Int]

    /// nnU-Net's settings for a patch of two or three axes.
    ///
    /// - Parameter allowsPlanar: false leaves out the slice-wise treatment of anisotropic patches.
    public static func nnUNetDefault(patchSize: [Int], allowsPlanar: Bool = true) -> AugmentationSettings {
        let longest = Double(patchSize.max() ?? 1)
        let halfTurn = Double.pi
        let isPlanar: Bool
        let angle: Double
        if patchSize.count == 2 {
            isPlanar = false
            angle = longest / Double(patchSize.min() ?? 1) > 1.5 ? halfTurn / 12 : halfTurn
        } else {
            isPlanar = allowsPlanar && longest / Double(patchSize.first ?? 1) > 3
            angle = isPlanar ? halfTurn : halfTurn / 6
        }
        var initial = InitialPatchSize.covering(patchSize: patchSize, rotation: angle, smallestScale: 0.85)
        if isPlanar { initial[0] = patchSize[0] }
        return AugmentationSettings(
            patchSize: patchSize, initialPatchSize: initial, isPlanar: isPlanar, rotation: -angle...angle,
            mirrorAxes: Array(patchSize.indices))
    }

    /// Patches as they are: for validation, and for training without augmentation.
    public static func none(patchSize: [Int]) -> AugmentationSettings {
        var settings = AugmentationSettings(
            patchSize: patchSize, initialPatchSize: patchSize, isPlanar: false, rotation: 0...0, mirrorAxes: [])
        settings.rotationProbability = 0
        settings.scalingProbability = 0
        settings.noiseProbability = 0
        settings.blurProbability = 0
        settings.brightnessProbability = 0
        settings.contrastProbability = 0
        settings.lowResolutionProbability = 0
        settings.invertedGammaProbability = 0
        settings.gammaProbability = 0
        return settings
    }

    /// The same without mirroring, in training and hence at test time.
    public func withoutMirroring() -> AugmentationSettings {
        var settings = self
        settings.mirrorAxes = []
        return settings
    }

    /// The same with mirroring along the first axes only: two of a volume's three, one of a slice's two.
    public func mirroringLeadingAxes() -> AugmentationSettings {
        var settings = self
        settings.mirrorAxes = Array(0..<(patchSize.count - 1))
        return settings
    }
}
