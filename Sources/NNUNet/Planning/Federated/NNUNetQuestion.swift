/// What a server asks a site before the first round of an nnU-Net federation.
public enum NNUNetQuestion: Codable, Sendable, Equatable {
    /// What kind of dataset the site has.
    case dataset
    case fingerprint(FingerprintQuestion)
    /// Keep this fingerprint, the text of nnU-Net's file, for planning later.
    case keep(fingerprint: String)
    /// Preprocess by this fingerprint and these plans, both the text of nnU-Net's files.
    case prepare(fingerprint: String, plans: String, configuration: String)
    /// Extract the own fingerprint, plan by it, preprocess.
    case prepareAlone(PlanningOrder)
}

/// How a site is to plan for itself.
public struct PlanningOrder: Codable, Sendable, Equatable {
    public var planner: String
    public var plansName: String?
    public var memoryTarget: Double?
    public var targetSpacing: [Double]?
    public var configuration: String

    public init(
        planner: String = "ExperimentPlanner", plansName: String? = nil, memoryTarget: Double? = nil,
        targetSpacing: [Double]? = nil, configuration: String = "3d_fullres"
    ) {
        self.planner = planner
        self.plansName = plansName
        self.memoryTarget = memoryTarget
        self.targetSpacing = targetSpacing
        self.configuration = configuration
    }
}

/// What a site answers.
public enum NNUNetAnswer: Codable, Sendable, Equatable {
    case dataset(DatasetFacts)
    case fingerprint(FingerprintAnswer)
    /// The plans that it preprocessed by, the text of nnU-Net's file; empty where it only keeps a fingerprint.
    case prepared(plans: String)
}

/// A dataset without its cases: what planning for several sites needs.
public struct DatasetFacts: Codable, Sendable, Equatable {
    public var name: String
    public var modality: String
    public var imageReaderWriter: String
    /// `dataset.json`, but for everything that nnU-Net's planning does not read.
    public var description: String

    public init(name: String, modality: String, dataset: RawDataset) throws {
        self.name = name
        self.modality = modality
        imageReaderWriter = try dataset.imageReaderWriter().rawValue
        let kept = ["channel_names", "labels", "regions_class_order", "file_ending"]
        var json = JSONObject(dataset.description.json.pairs.filter { kept.contains($0.key) })
        json["numTraining"] = .integer(dataset.cases.count)
        description = JSONValue.object(json).serialised(indent: nil)
    }

    /// - Throws: `NNUNetError` where the text is not a `dataset.json`.
    public func datasetDescription() throws -> DatasetDescription {
        guard case .object(let json) = try JSONValue(parsing: Array(description.utf8), file: "dataset.json of \(name)")
        else { throw NNUNetError.plan("The dataset.json of \(name) is no object.") }
        return try DatasetDescription(json: json, file: "dataset.json of \(name)")
    }
}
