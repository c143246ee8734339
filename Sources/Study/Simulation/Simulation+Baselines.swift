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
        enum Kind: Sendable { case federated, modality, centralised, alone }
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
        // A site that keeps tensors to itself has a model of its own, and each has one where the server reads none.
        let covered = outcome.models.isEmpty ? [] : Set(groups.joined())
        models += sites.filter { !covered.contains($0.name) }.map {
            Model(
                name: "federated, \($0.name)", kind: .federated, folder: $0.modelFolder, fold: $0.fold, sites: [$0.name]
            )
        }
        for (modality, folder) in outcome.modelsOfModalities {
            // Where all sites have one modality, its model is the global one.
            let own = sites.filter { $0.modality.description == modality }.map(\.name)
            guard own.count < sites.count else { continue }
            models.append(
                Model(
                    name: "federated, mean of \(modality) alone", kind: .modality, folder: folder, fold: sites[0].fold,
                    sites: own))
        }
        let folder = output.appending(path: "baselines")
        let pooledKinds = [RunFile.Baseline.centralised, .centralisedAllSteps].filter(run.baselines.contains)
        if !pooledKinds.isEmpty {
            if isOneModel, run.plan.fingerprint != .none, try canBePooled {
                let pooled = try CentralisedDataset(sites, in: folder.appending(path: "preprocessed"))
                print("centralised: \(pooled.cases) cases in one place")
                for kind in pooledKinds {
                    models.append(try await centralised(kind, in: folder))
                }
            } else {
                print(
                    "centralised is left out: the sites' channels, labels, plans, folds or what they annotated differ.")
            }
        }
        if run.baselines.contains(.alone) {
            let alone = sites.map { site in
                var site = site
                site.validatesEveryEpoch = false
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

    /// A model of all cases in one place, which stand in the folder's `preprocessed`.
    private func centralised(_ kind: RunFile.Baseline, in folder: URL) async throws -> Model {
        var site = sites[0]
        site.name = kind.rawValue
        site.dataset = CentralisedDataset.name
        site.folders = DatasetFolders(
            raw: folders.raw, preprocessed: folder.appending(path: "preprocessed"),
            results: folder.appending(path: site.name))
        site.threads = (resources.threads.max() ?? 1) * resources.sitesAtATime
        site.validatesEveryEpoch = false
        site.seed = StudySite.seed(run.training.seed, of: RunFile.Baseline.centralised.rawValue)
        let times = kind == .centralisedAllSteps ? sites.count : 1
        return Model(
            name: times == 1 ? "centralised" : "centralised, \(times) times the steps", kind: .centralised,
            folder: try await trainAlone([site], times: times)[0], fold: site.fold, sites: sites.map(\.name))
    }

    /// Whether the sites' cases can be one dataset: preprocessed, divided and annotated alike.
    private var canBePooled: Bool {
        get throws {
            let open = Set(try sites.map { Set(try raw($0).description.unannotatedLabels) })
            return sites.allSatisfy { $0.targetSpacing == nil && $0.fold == sites[0].fold } && sites[0].fold != .all
                && open.count == 1
        }
    }

    /// Trains each site as a federation of one, for so many times the run's rounds. Returns the model folders.
    private func trainAlone(_ sites: [StudySite], times: Int = 1) async throws -> [URL] {
        let turnstile = Turnstile(sites.count == 1 ? 1 : resources.sitesAtATime)
        var settings = run.runSettings
        settings.rounds = (settings.rounds + settings.warmUpRounds) * times
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
