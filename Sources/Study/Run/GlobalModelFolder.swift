import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The global model as nnU-Net's results folder, so that `cohort predict` and `nnUNetv2_predict` run it anywhere.
///
/// One folder for each kind of site (equal channels, labels and network), under the dataset of the kind's first site. A
/// site that keeps tensors to itself has no complete model here: it composes its own.
public struct GlobalModelFolder: Sendable {
    /// What takes the place of `nnUNet_results`.
    public let results: URL
    public let trainerName: String
    public let configuration: String
    public let fold: String

    public init(results: URL, trainerName: String, configuration: String, fold: String) {
        self.results = results
        self.trainerName = trainerName
        self.configuration = configuration
        self.fold = fold
    }

    /// A site for each kind whose model is complete here.
    public static func representatives(_ plan: SharingPlan) -> [SiteDescription] {
        var seen: Set<[String]> = []
        return plan.sites.filter { site in
            guard plan.localTensors(of: site).isEmpty else { return false }
            let shapes = site.tensors.map { "\($0.tensor.name)\($0.tensor.shape)" }
            return seen.insert([site.kind] + shapes).inserted
        }
    }

    /// The model folder of a dataset.
    public func folder(dataset: String, plansName: String) -> URL {
        results.appending(path: dataset).appending(path: "\(trainerName)__\(plansName)__\(configuration)")
    }

    /// Writes a model as `checkpoint_final.pth`, `checkpoint_best.pth`, … of the fold.
    ///
    /// - Parameter rounds: epochs that the checkpoint says were trained.
    /// - Returns: the model folder.
    @discardableResult
    public func write(
        _ global: Weights, of site: SiteDescription, plan: SharingPlan, prepared: PreparedSites.Site,
        named file: String, rounds: Int
    ) throws -> URL {
        let plans = try prepared.plansObject()
        let dataset = try prepared.facts.datasetDescription()
        let folder = folder(dataset: prepared.facts.name, plansName: try Plans(json: plans).plansName)
        let foldFolder = folder.appending(path: "fold_\(fold)")
        try FileManager.default.createDirectory(at: foldFolder, withIntermediateDirectories: true)
        try JSONValue.object(plans).write(to: folder.appending(path: "plans.json"))
        try JSONValue.object(dataset.json).write(to: folder.appending(path: "dataset.json"))
        if let fingerprint = prepared.fingerprint {
            try JSONValue(parsing: Array(fingerprint.utf8)).write(
                to: folder.appending(path: "dataset_fingerprint.json"), sortKeys: true)
        }
        let model = plan.model(of: site.name, from: global)
        let weights = try site.tensors.map { role in
            guard let values = model[role.tensor.name]?.floats else {
                throw FederationError.incompatibleSites("The global model has no \(role.tensor.name).")
            }
            return NamedTensor(name: role.tensor.name, array: NumericArray(values, shape: role.tensor.shape))
        }
        let patch = try Plans(json: plans).configuration(configuration).patchSize
        let checkpoint = NNUNetCheckpoint(
            weights: weights, optimizer: nil, currentEpoch: rounds,
            initArguments: .init(
                plans: plans, configuration: configuration, fold: fold, datasetJSON: dataset.json, device: "cpu"),
            trainerName: trainerName, mirroringAxes: Array(patch.indices))
        try checkpoint.write(to: foldFolder.appending(path: file))
        return folder
    }
}
