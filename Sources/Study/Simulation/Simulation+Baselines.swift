import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Simulation {
    /// A trained model that is compared with others.
    struct Model: Sendable {
        enum Kind: Sendable { case federated, centralised, alone }
        var name: String
        var kind: Kind
        var folder: URL
        var fold: Fold
        /// Sites whose cases it can judge: those of its channels and labels.
        var sites: [String]
    }

    /// The federation's models, and those of the trainings that it is compared with: same plan, batch and number of steps.
    func baselines(after outcome: FederatedRun.Outcome) async throws -> [Model] {
        var models: [Model] = []
        let groups = GlobalModelFolder.groups(outcome.result.plan).map { $0.map(\.name) }
        let kinds = Dictionary(grouping: outcome.result.plan.sites, by: \.kind).mapValues { $0.map(\.name) }
        let isOneModel = groups.count == 1 && groups[0].count == sites.count
        for (members, folder) in zip(groups, outcome.models) {
            models.append(
                Model(
                    name: isOneModel ? "federated" : "federated, \(members.joined(separator: ", "))", kind: .federated,
                    folder: folder, fold: sites[0].fold, sites: members))
        }
        // A site that keeps tensors to itself has a model of its own.
        let covered = Set(groups.joined())
        models += sites.filter { !covered.contains($0.name) }.map {
            Model(
                name: "federated, \($0.name)", kind: .federated, folder: $0.modelFolder, fold: $0.fold, sites: [$0.name]
            )
        }
        let folder = output.appending(path: "baselines")
        if run.baselines.contains(.centralised) {
            if isOneModel, run.plan.fingerprint != .none, canBePooled {
                let preprocessed = folder.appending(path: "preprocessed")
                let pooled = try CentralisedDataset(sites, in: preprocessed)
                var site = sites[0]
                site.name = "centralised"
                site.dataset = CentralisedDataset.name
                site.folders = DatasetFolders(
                    raw: folders.raw, preprocessed: preprocessed, results: folder.appending(path: "centralised"))
                site.threads = resources.threads * resources.sitesAtATime
                site.seed = Self.seed(run.training.seed, of: site.name)
                print("centralised: \(pooled.cases) cases in one place")
                models.append(
                    Model(
                        name: "centralised", kind: .centralised, folder: try await trainAlone([site])[0],
                        fold: site.fold, sites: sites.map(\.name)))
            } else {
                print("centralised is left out: the sites' channels, labels, plans or folds differ.")
            }
        }
        if run.baselines.contains(.alone) {
            let alone = sites.map { site in
                var site = site
                site.folders = DatasetFolders(
                    raw: folders.raw, preprocessed: folders.preprocessed,
                    results: folder.appending(path: "alone").appending(path: site.name))
                return site
            }
            for (site, folder) in zip(alone, try await trainAlone(alone)) {
                let alike = kinds.values.first { $0.contains(site.name) } ?? [site.name]
                models.append(
                    Model(name: "\(site.name) alone", kind: .alone, folder: folder, fold: site.fold, sites: alike))
            }
        }
        return models
    }

    /// Whether the sites' cases can be one dataset: preprocessed alike, and divided alike.
    private var canBePooled: Bool {
        sites.allSatisfy { $0.targetSpacing == nil && $0.fold == sites[0].fold } && sites[0].fold != .all
    }

    /// Trains each site as a federation of one. Returns the model folders.
    private func trainAlone(_ sites: [SimulatedSite]) async throws -> [URL] {
        let turnstile = Turnstile(sites.count == 1 ? 1 : resources.sitesAtATime)
        var settings = run.runSettings
        settings.rounds += settings.warmUpRounds
        settings.warmUpRounds = 0
        let training = settings
        try await withThrowingTaskGroup(of: Void.self) { group in
            for site in sites {
                group.addTask { [tools, print] in
                    var strategy = Strategy()
                    strategy.validationInterval = 0
                    let coordinator = try Coordinator(
                        training, strategy: strategy, folder: try RunFolder(site.folders.results.appending(path: "run"))
                    )
                    let learner = LimitedLearner(try tools.learner(site), turnstile)
                    try await coordinator.join(InProcessLink(Federation.Site(name: site.name, learner: learner)))
                    let start = ContinuousClock.now
                    _ = try await coordinator.run()
                    print(
                        "\(site.name)\(sites.count > 1 ? " alone" : ""): trained in \(Int((ContinuousClock.now - start) / .seconds(1))) s"
                    )
                }
            }
            try await group.waitForAll()
        }
        return sites.map(\.modelFolder)
    }
}
