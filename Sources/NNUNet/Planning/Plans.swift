import Imaging

/// What nnU-Net decided for a dataset: the validated content of a plans file such as `nnUNetPlans.json`.
///
/// Axes are transposed (`transposeForward`) in everything but the names of the fields that say otherwise.
public struct Plans: Sendable, Equatable {
    public var datasetName: String
    public var plansName: String
    public var originalMedianSpacingAfterTransposition: [Double]
    public var originalMedianShapeAfterTransposition: [Int]
    public var imageReaderWriter: ImageReaderWriter
    public var transposeForward: [Int]
    public var transposeBackward: [Int]
    /// In the file's order, `inherits_from` resolved.
    public var configurations: [PlansConfiguration]
    public var experimentPlannerUsed: String
    public var foregroundIntensities: [IntensityProperties]
    /// The file as it was read or made, whole, which checkpoints and copies carry on.
    public var json: JSONObject
}

/// One configuration of a plan: `2d`, `3d_fullres`, `3d_lowres`, `3d_cascade_fullres`, or one that a user added.
public struct PlansConfiguration: Sendable, Equatable {
    public var name: String
    public var dataIdentifier: String
    public var preprocessorName: String
    public var batchSize: Int
    public var patchSize: [Int]
    public var medianImageSizeInVoxels: [Double]
    public var spacing: [Double]
    /// One per channel.
    public var normalizationSchemes: [NormalizationScheme]
    /// One per channel.
    public var useMaskForNorm: [Bool]
    public var resamplingOfData: ResamplingMethod
    public var resamplingOfSegmentation: ResamplingMethod
    public var resamplingOfProbabilities: ResamplingMethod
    public var architecture: NetworkArchitecture
    public var batchDice: Bool
    public var previousStage: String?
    public var nextStage: String?
}

/// How a channel's intensities are brought to a common scale; raw values are nnU-Net's class names.
public enum NormalizationScheme: String, Sendable {
    case ct = "CTNormalization"
    case zScore = "ZScoreNormalization"
    case none = "NoNormalization"
    case rescaleTo01 = "RescaleTo01Normalization"
    case rgbTo01 = "RGBTo01Normalization"
}

/// A resampling function of a plan with its arguments.
public struct ResamplingMethod: Sendable, Equatable {
    public enum Function: String, Sendable {
        /// SciPy's splines, slice by slice where the data is anisotropic.
        case spline = "resample_data_or_seg_to_shape"
        /// PyTorch's interpolation.
        case torch = "resample_torch_fornnunet"
        /// `no_resampling_hack`: the input, unchanged.
        case none = "no_resampling_hack"
    }
    public var function: Function
    public var isSegmentation: Bool
    public var order: Int
    public var orderZ: Int
    /// Slice by slice (true), never (false), or as the spacing decides (nil).
    public var forceSeparateZ: Bool?
}

/// A network as a plan describes it.
public struct NetworkArchitecture: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case plainConvUNet = "PlainConvUNet"
        case residualEncoderUNet = "ResidualEncoderUNet"
    }
    public var kind: Kind
    /// 2 or 3.
    public var dimensions: Int
    public var featuresPerStage: [Int]
    /// One size per axis, per stage.
    public var kernelSizes: [[Int]]
    /// One stride per axis, per stage; the first stage's are all 1.
    public var strides: [[Int]]
    /// Convolutions (plain) or residual blocks (residual encoder) per encoder stage.
    public var blocksPerStage: [Int]
    public var convolutionsPerDecoderStage: [Int]
    public var convolutionBias: Bool
    /// Of the instance norm.
    public var normEpsilon: Double
    public var normAffine: Bool

    public var stageCount: Int { featuresPerStage.count }

    public init(
        kind: Kind, dimensions: Int, featuresPerStage: [Int], kernelSizes: [[Int]], strides: [[Int]],
        blocksPerStage: [Int],
        convolutionsPerDecoderStage: [Int], convolutionBias: Bool = true, normEpsilon: Double = 1e-5,
        normAffine: Bool = true
    ) {
        self.kind = kind
        self.dimensions = dimensions
        self.featuresPerStage = featuresPerStage
        self.kernelSizes = kernelSizes
        self.strides = strides
        self.blocksPerStage = blocksPerStage
        self.convolutionsPerDecoderStage = convolutionsPerDecoderStage
        self.convolutionBias = convolutionBias
        self.normEpsilon = normEpsilon
        self.normAffine = normAffine
    }
}
