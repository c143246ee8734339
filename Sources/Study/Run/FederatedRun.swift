import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A federation of nnU-Nets on one machine, from datasets to models and a report.
public struct FederatedRun: Sendable {
    public struct Site: Sendable {
        public var name: String
        public var learner: any Learner

        public init(name: String, learner: any Learner) {
            self.name = name
            self.learner = learner
        }
    }

    /// What stands in the head of the report.
    public var title: String
    public var sites: [Site]
    public var settings: RunSettings
    public var strategy: Strategy
    public var preparation: NNUNetPreparation.Order
    /// What is written: `server/`, `metrics.jsonl`, `tensorboard/`, `report.html`.
    public var output: URL
    public var trainerName = "nnUNetTrainer"
    public var fold = "0"
    public var judgesAcrossSites = true
    public var strategyName = "FedAvg"
    public var sharingName = "everything"

    public init(
        title: String, sites: [Site], settings: RunSettings, strategy: Strategy, preparation: NNUNetPreparation.Order,
        output: URL
    ) {
        self.title = title
        self.sites = sites
        self.settings = settings
        self.strategy = strategy
        self.preparation = preparation
        self.output = output
    }

    public struct Outcome: Sendable {
        public var result: RunResult
        public var records: [RoundRecord]
        public var matrix: CrossSiteMatrix?
        public var facts: RunFacts
        /// Model folders of the global model, one for each kind of site whose model is complete at the server.
        public var models: [URL]
        public var prepared: PreparedSites
    }

    /// Runs it, or takes it up where it was left.
    public func run(print: @escaping @Sendable (String) -> Void) async throws -> Outcome {
        let started = Date()
        let server = output.appending(path: "server")
        let record = server.appending(path: "prepared.json")
        let folder = try RunFolder(server)
        var settings = settings
        settings.identity += " \(strategy) \(preparation)"
        let recorder = RunRecorder(folder: output, rounds: settings.rounds, metric: metric, print: print)
        let coordinator = try Coordinator(
            settings, strategy: strategy, preparations: [NNUNetPreparation(preparation, record: record)],
            folder: folder, observers: [recorder])
        for site in sites {
            try await coordinator.join(
                InProcessLink(Site_(name: site.name, learner: site.learner, filters: strategy.filters)))
        }
        let result = try await coordinator.run()
        let prepared = try PreparedSites(contentsOf: record)
        let models = try writeModels(result, prepared: prepared)
        var matrix: CrossSiteMatrix?
        if judgesAcrossSites {
            let judged = CrossSiteMatrix(try await coordinator.crossValidate(result))
            try judged.write(to: output.appending(path: "cross_site.json"))
            matrix = judged
        }
        let facts = RunFacts(
            task: title, rounds: settings.rounds, strategy: strategyName, sharing: sharingName,
            sites: result.plan.sites.map { RunFacts.Site($0.name, cases: $0.examples) }, started: started,
            seconds: Date().timeIntervalSince(started), metric: metric)
        return Outcome(
            result: result, records: await recorder.records, matrix: matrix, facts: facts, models: models,
            prepared: prepared)
    }

    private var metric: MetricDescription {
        strategy.judgement.metric == "dice"
            ? .dice
            : MetricDescription(
                name: strategy.judgement.metric, title: strategy.judgement.metric,
                higherIsBetter: strategy.judgement.direction == .higher)
    }

    private func writeModels(_ result: RunResult, prepared: PreparedSites) throws -> [URL] {
        let folder = GlobalModelFolder(
            results: output.appending(path: "server").appending(path: "nnUNet_results"), trainerName: trainerName,
            configuration: preparation.planning.configuration, fold: fold)
        var models: [URL] = []
        for site in GlobalModelFolder.representatives(result.plan) {
            guard let own = prepared.sites[site.name] else { continue }
            func write(_ weights: Weights, _ name: String) throws -> URL {
                try folder.write(
                    weights, of: site, plan: result.plan, prepared: own, named: name, rounds: settings.rounds)
            }
            models.append(try write(result.global, "checkpoint_final.pth"))
            if let best = result.best { _ = try write(best, "checkpoint_best.pth") }
            if let modality = site.modality, let weights = result.ofModality[modality] {
                _ = try write(weights, "checkpoint_modality.pth")
            }
        }
        return models
    }
}

private typealias Site_ = Federation.Site
