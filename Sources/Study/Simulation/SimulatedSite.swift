import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One site of a simulated federation, with everything that its learner needs.
public struct SimulatedSite: Sendable {
    public var name: String
    /// The dataset's full name.
    public var dataset: String
    /// Raw and preprocessed data of the machine; results of this run.
    public var folders: DatasetFolders
    public var modality: Modality
    public var fold: Fold
    public var plan: RunFile.Plan
    public var training: RunFile.Training
    /// As `-device` takes it; nil for what is there.
    public var device: String?
    /// Of the network, on a CPU.
    public var threads: Int
    public var targetSpacing: [Double]?
    public var minimumCases: Int
    /// Whether each of its local epochs ends with nnU-Net's online validation, which only its own log reads.
    public var validatesEveryEpoch = true
    /// The site's own, for patches and augmentation; it follows from the run's and the name.
    public var seed: UInt64

    /// Where its trained model goes.
    public var modelFolder: URL {
        folders.modelFolder(
            dataset: dataset, trainer: training.trainer, plans: plan.resolvedPlansName,
            configuration: plan.configuration)
    }
}

/// What a simulation needs of the engine, which this target does not know.
public protocol SimulationTools: Sendable {
    func learner(_ site: SimulatedSite) throws -> any Learner
    func predict(_ order: PredictionOrder) async throws
    /// Throws where a trainer or a setting is unknown.
    func check(_ training: RunFile.Training) throws
    /// Axes that prediction may mirror after this trainer, by the number of dimensions; nil for none.
    func mirroringAxes(_ training: RunFile.Training, dimensions: Int) -> [Int]?
    /// GPUs that can be used.
    func gpuCount() throws -> Int
}

/// All images of a folder, to be segmented with one checkpoint into another folder.
public struct PredictionOrder: Sendable {
    public var images: URL
    public var output: URL
    /// A folder of nnU-Net's results: `Trainer__Plans__configuration`.
    public var model: URL
    public var configuration: String
    public var fold: Fold
    public var checkpoint = "checkpoint_final.pth"
    /// As `-device` takes it; nil for what is there.
    public var device: String?
    /// Averages over mirrored images: up to eight times the work, a little better.
    public var mirroring = true

    public init(images: URL, output: URL, model: URL, configuration: String, fold: Fold, device: String? = nil) {
        self.images = images
        self.output = output
        self.model = model
        self.configuration = configuration
        self.fold = fold
        self.device = device
    }
}
