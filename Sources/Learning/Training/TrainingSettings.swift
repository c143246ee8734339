/// Every hyper-parameter of a training: what nnU-Net varies by deriving trainers, as fields with nnU-Net's defaults.
public struct TrainingSettings: Sendable, Equatable {
    /// The trainer's name in folder names and checkpoints, such as `nnUNetTrainer`.
    public var trainerName = "nnUNetTrainer"
    public var epochs = 1000
    public var iterationsPerEpoch = 250
    public var validationIterationsPerEpoch = 50
    /// Whether every epoch ends with the online validation; without it the epoch's loss and Dice of validation are NaN.
    public var validatesEveryEpoch = true
    /// Patches per step; nil for the plan's. In a training on records, of validation alone: how many records take part in
    /// a step is said by ``GradientPrivacy``.
    public var batchSize: Int?
    public var optimizer = OptimizerKind.sgd
    public var initialLearningRate = 1e-2
    public var weightDecay = 3e-5
    /// Of SGD, Nesterov's form.
    public var momentum = 0.99
    public var schedule = LearningRateSchedule.polynomial()
    /// The largest Euclidean norm of all gradients together; longer ones are scaled down to it. A training on records clips
    /// the gradient of each instead.
    public var gradientNormLimit = 12.0
    /// Share of the patches that are centred on foreground.
    public var oversampleForeground = 0.33
    /// Whether every patch draws for itself if it is forced to foreground, instead of the last ones of each batch.
    /// In a training on records every patch does.
    public var probabilisticOversampling = false
    public var deepSupervision = true
    public var loss = LossKind.diceAndCrossEntropy
    /// Added to the Dice loss's numerator and denominator.
    public var diceSmoothing = 1e-5
    public var augmentation = AugmentationKind.standard
    public var mirroring = Mirroring.allAxes
    /// Whether strongly anisotropic patches are rotated and scaled in their planes only, as nnU-Net does.
    public var allowsPlanarAugmentation = true
    /// Whether augmentation samples labels from the nearest voxel, instead of interpolating every label.
    public var nearestLabelSampling = false
    /// Epochs between two `checkpoint_latest.pth`.
    public var saveEvery = 50
    /// No checkpoint is written; for trying things out.
    public var disableCheckpointing = false
    /// Number format of convolutions; nil for the device's default.
    public var precision: Precision?
    /// Threads of the network on a CPU; nil for all cores.
    public var threads: Int?
    /// Threads that make batches; nil for a share of the cores.
    public var loaderThreads: Int?
    /// Fixes weights, patches and augmentation; nil draws one, and the log says which.
    public var seed: UInt64?
    /// nnU-Net's own.
    public init() {}

    public enum OptimizerKind: String, Sendable, CaseIterable { case sgd, adam, adamW }

    public enum LossKind: String, Sendable, CaseIterable {
        /// Soft Dice and cross-entropy (binary where labels are regions), weighted alike.
        case diceAndCrossEntropy
        case dice
        case crossEntropy
        /// Cross-entropy over the hardest tenth of the voxels; `Smoothed` spreads a tenth of each label over all.
        case topK, topKSmoothed
        case diceAndTopK
    }

    public enum AugmentationKind: String, Sendable, CaseIterable { case standard, none }

    /// Axes that are mirrored at random in training, and therefore averaged over in prediction.
    public enum Mirroring: String, Sendable, CaseIterable {
        case allAxes, none
        /// The first two axes of a 3D patch, the first of a 2D one.
        case leadingAxes

        /// Axes of the patch; nil for no mirroring at all.
        public func axes(dimensions: Int) -> [Int]? {
            switch self {
            case .allAxes: Array(0..<dimensions)
            case .none: nil
            case .leadingAxes: Array(0..<(dimensions - 1))
            }
        }
    }

    /// Number formats of the network's convolutions. Losses, weights and sums stay float32 in all of them.
    public enum Precision: String, Sendable, CaseIterable {
        case float32 = "fp32"
        case bfloat16 = "bf16"
        /// With a gradient scaler; CUDA only.
        case float16 = "fp16"
    }
}
