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
    /// again after a crash must come out the same.
    public var settings: TrainingSettings
    public var device = Device.cpu
    /// With fewer cases, no fingerprint leaves the site.
    public var smallestNumberOfCases = 1
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
