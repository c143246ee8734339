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
    public let fold: Fold
    let mirroringAxes: @Sendable (Int) -> [Int]?

    /// - Parameter mirroringAxes: that prediction may mirror, by the number of dimensions; nil for none.
    public init(
        results: URL, trainerName: String, configuration: String, fold: Fold,
        mirroringAxes: @escaping @Sendable (Int) -> [Int]? = { Array(0..<$0) }
    ) {
        self.results = results
        self.trainerName = trainerName
        self.configuration = configuration
        self.fold = fold
        self.mirroringAxes = mirroringAxes
    }

    /// Sites of one kind with one network, all of whose tensors are shared: the global model is theirs, complete.
    public static func groups(_ plan: SharingPlan) -> [[SiteDescription]] {
        var groups: [[SiteDescription]] = []
        for site in plan.sites where plan.localTensors(of: site).isEmpty {
            let index = groups.firstIndex { $0[0].kind == site.kind && $0[0].tensors == site.tensors }
            if let index { groups[index].append(site) } else { groups.append([site]) }
        }
        return groups
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
        let plans = try Plans(json: prepared.plansObject())
        let dataset = try prepared.facts.datasetDescription()
        let folder = DatasetFolders.modelFolder(
            in: results, dataset: prepared.facts.name, trainer: trainerName, plans: plans.plansName,
            configuration: configuration)
        let foldFolder = folder.appending(path: fold.folderName)
        try FileManager.default.createDirectory(at: foldFolder, withIntermediateDirectories: true)
        try plans.write(to: folder.appending(path: "plans.json"))
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
        let patch = try plans.configuration(configuration).patchSize
        let checkpoint = NNUNetCheckpoint(
            weights: weights, optimizer: nil, currentEpoch: rounds,
            initArguments: .init(
                plans: plans.json, configuration: configuration, fold: fold.description, datasetJSON: dataset.json,
                device: "cpu"),
            trainerName: trainerName, mirroringAxes: mirroringAxes(patch.count))
        try checkpoint.write(to: foldFolder.appending(path: file))
        return folder
    }
}
