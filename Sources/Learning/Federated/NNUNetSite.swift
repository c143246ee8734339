import NNUNet
import Torch

/// What an nnU-Net learner needs to know of its site.
public struct NNUNetSite: Sendable {
    /// The dataset's full name, such as `Dataset004_Hippocampus`.
    public var dataset: String
    /// The site's own; nothing is read or written elsewhere.
    public var folders: DatasetFolders
    /// Such as "MR".
    public var modality: String
    public var configuration = "3d_fullres"
    public var plansName = "nnUNetPlans"
    public var fold = Fold.number(0)
    /// All but the epochs, which follow from the rounds. Their seed is set, to 1 where nothing else is: a round that comes
    /// again after a crash must come out the same. (Under DP-SGD it does not, as its noise is new.)
    public var settings: TrainingSettings
    public var device = Device.cpu
    /// With fewer cases, no fingerprint leaves the site.
    public var smallestNumberOfCases = 1
    /// Told to the server as the number of cases of training and of validation, in place of those that there are: where these
    /// are nobody's business, and sites weigh what was agreed on.
    public var publicExamples: Int?
    /// Whether updates tell the loss of the training, which nothing protects; nil for only where no ``GradientPrivacy`` bounds
    /// the training.
    public var sendsTrainingMetrics: Bool?
    /// Patches that a record gives to a step of DP-SGD that it takes part in.
    public var patchesPerRecord = 1
    /// The patient of every training case, for DP-SGD; empty where each case is a record of its own.
    public var recordOfCase: [String: String] = [:]
    /// Fields of `dataset.json` that reach neither the training nor its checkpoints.
    public var blockedFields = BlockedFields()
    /// Its plan resamples to this spacing (z, y, x) instead of the common one.
    public var targetSpacing: [Double]?
    /// Cases at a time, in preprocessing.
    public var threads = 1

    public init(dataset: String, folders: DatasetFolders, modality: String) {
        self.dataset = dataset
        self.folders = folders
        self.modality = modality
        settings = TrainingSettings()
        settings.seed = 1
    }
}
