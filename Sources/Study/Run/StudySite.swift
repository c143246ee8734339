import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One site of a federation, with everything that its learner needs.
public struct StudySite: Sendable {
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
    /// That make batches; nil for what suits the device. Batches are the same with any number.
    public var loaderThreads: Int?
    public var targetSpacing: [Double]?
    public var minimumCases: Int
    /// Whether each of its local epochs ends with nnU-Net's online validation, which only its own log reads.
    public var validatesEveryEpoch = true
    /// How its training bounds what any record changes; nil for nnU-Net's own.
    public var records: RecordTraining?
    /// Told in place of how many cases there are; nil tells.
    public var statedExamples: Int?
    /// Fields of its `dataset.json` that its training does not see.
    public var blockedFields = BlockedFields()
    /// The site's own, for patches and augmentation; it follows from the run's and the name.
    public var seed: UInt64

    /// - Parameters:
    ///   - member: the site as the run file has it.
    ///   - folders: of the site's machine; results are this run's own.
    ///   - device: as `-device` takes it; nil for what is there.
    /// - Throws: `NNUNetError` where there is no such dataset, or its modality cannot be told.
    public init(_ member: RunFile.Site, of run: RunFile, folders: DatasetFolders, device: String?, threads: Int) throws
    {
        name = member.name
        dataset = try folders.datasetName(member.dataset)
        self.folders = folders
        let raw = try RawDataset(folder: folders.raw.appending(path: dataset))
        modality = try Modality(
            channelNames: raw.description.channelNames, stated: member.modality, dataset: dataset)
        fold = member.fold
        plan = run.plan
        training = run.training
        self.device = device
        self.threads = threads
        targetSpacing = member.targetSpacing
        minimumCases = member.minimumCases
        validatesEveryEpoch = run.validation.every > 0
        seed = Self.seed(run.training.seed, of: member.name)
    }

    /// A site's own seed: FNV-1a of its name, mixed with the run's. Within what nnU-Net's generators take.
    static func seed(_ seed: UInt64, of name: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return (hash &+ seed &* 0x9e37_79b9_7f4a_7c15) >> 32
    }

    /// DP-SGD on its records.
    public struct RecordTraining: Sendable {
        public var privacy: any GradientPrivacy
        /// The patient of every case; empty where each case is a record.
        public var recordOfCase: [String: String]
        public var patchesPerRecord: Int
        /// Whether the loss is told, which nothing protects.
        public var tellsLoss: Bool
    }

    /// Where its trained model goes.
    public var modelFolder: URL {
        folders.modelFolder(
            dataset: dataset, trainer: training.trainer, plans: plan.resolvedPlansName,
            configuration: plan.configuration)
    }
}

/// What a study needs of the engine, which this target does not know.
public protocol StudyEngine: Sendable {
    func learner(_ site: StudySite) throws -> any Learner
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
