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
        /// The way to it, made when the run starts.
        public var makeLink: @Sendable () throws -> any SiteLink

        public init(name: String, makeLink: @escaping @Sendable () throws -> any SiteLink) {
            self.name = name
            self.makeLink = makeLink
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
    public var fold = Fold.number(0)
    /// Axes that prediction may mirror, by the number of dimensions; nil for none.
    public var mirroringAxes: @Sendable (Int) -> [Int]? = { Array(0..<$0) }
    public var judgesAcrossSites = true
    /// Who else watches; told before the line of a round is printed.
    public var observers: [any RoundObserver] = []
    /// Rounds between two `checkpoint_latest.pth` of the global model.
    public var saveEvery = 1
    public var strategyName = "FedAvg"
    public var sharingName = "everything"
    /// Whether sites tell how many cases they train on.
    public var tellsCases = true
    /// What is said of privacy at the start, and stands in the report: by the number of values in an update, where that is known.
    public var privacyFacts: @Sendable (Int?) throws -> [RunFacts.Fact] = { _ in [] }
    /// Whether the server holds no model in memory: its sites are elsewhere.
    public var leavesModelsOnDisk = false

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

    /// As a run file says it.
    public init(
        title: String, sites: [Site], of run: RunFile, strategy: Strategy, fold: Fold, output: URL,
        engine: any StudyEngine
    ) {
        self.init(
            title: title, sites: sites, settings: run.runSettings, strategy: strategy,
            preparation: run.preparationOrder, output: output)
        self.fold = fold
        trainerName = run.training.trainer
        saveEvery = run.saveEvery
        mirroringAxes = { engine.mirroringAxes(run.training, dimensions: $0) }
        judgesAcrossSites = run.validation.crossSite
        strategyName = run.strategy.text
        sharingName = run.sharing.mode.rawValue
        tellsCases = run.privacy.differentialPrivacy?.releases.contains(.counts) ?? true
        privacyFacts = { try run.privacyFacts(values: $0) }
    }

    public struct Outcome: Sendable {
        public var result: RunResult
        public var records: [RoundRecord]
        public var matrix: CrossSiteMatrix?
        public var facts: RunFacts
        /// Model folders of the global model, one for each kind of site whose model is complete at the server.
        public var models: [URL]
        /// Model folders of single modalities, likewise.
        public var modelsOfModalities: [(modality: String, folder: URL)]
        public var prepared: PreparedSites
    }

    /// Runs it, or takes it up where it was left.
    public func run(print: @escaping @Sendable (String) -> Void) async throws -> Outcome {
        let started = Date()
        let recorder = RunRecorder(folder: output, rounds: settings.rounds, metric: metric, print: print)
        let coordinator = try await makeCoordinator(recorder)
        for fact in try privacyFacts(nil) { print("\(fact.name): \(fact.value)") }
        let result = try await coordinator.run()
        let prepared = try preparedSites
        let folders = try Models(self).write(result, prepared: prepared, as: "checkpoint_final.pth")
        if strategy.sealsModel { print("the server's model is sealed: each site has it open, in its own results") }
        if folders.global.isEmpty, prepared.sites.isEmpty {
            // Only nodes of Flower's: what the model is a part of, their app knows.
            try WeightsFile.write(result.global, to: output.appending(path: "model.safetensors"))
        }
        var matrix: CrossSiteMatrix?
        if judgesAcrossSites {
            let judged = CrossSiteMatrix(try await coordinator.crossValidate(result))
            try judged.write(to: output.appending(path: "cross_site.json"))
            matrix = judged
        }
        var facts = RunFacts(
            task: title, rounds: settings.rounds, strategy: strategyName, sharing: sharingName,
            sites: result.plan.sites.map { RunFacts.Site($0.name, cases: tellsCases ? $0.examples : nil) },
            started: started,
            seconds: Date().timeIntervalSince(started), metric: metric)
        facts.more = try privacyFacts(Self.values(of: result.plan))
        return Outcome(
            result: result, records: await recorder.records, matrix: matrix, facts: facts, models: folders.global,
            modelsOfModalities: folders.ofModality, prepared: prepared)
    }

    /// Values in the largest site's update.
    private static func values(of plan: SharingPlan) -> Int {
        plan.sites.map { site in
            plan.shares.reduce(0) { $0 + ($1.members[site.name] == nil ? 0 : $1.tensor.count) }
        }.max() ?? 0
    }

    /// Only the rounds before the first: every site's fingerprint, plan and preprocessed cases.
    public func prepare(print: @escaping @Sendable (String) -> Void) async throws {
        let recorder = RunRecorder(folder: output, rounds: settings.rounds, metric: metric, print: print)
        try await makeCoordinator(recorder).prepare()
    }

    /// Whether there is a site that fingerprint and plan can come from.
    private var isPrepared: Bool { !sites.allSatisfy { preparation.leftAlone.contains($0.name) } }

    private var preparedSites: PreparedSites {
        get throws { isPrepared ? try PreparedSites(contentsOf: record) : PreparedSites() }
    }

    private var record: URL { output.appending(path: "server").appending(path: "prepared.json") }

    private func makeCoordinator(_ recorder: RunRecorder) async throws -> Coordinator {
        var settings = settings
        settings.identity += " " + preparation.identity
        let coordinator = try Coordinator(
            settings, strategy: strategy,
            preparations: isPrepared ? [NNUNetPreparation(preparation, record: record)] : [],
            folder: try RunFolder(output.appending(path: "server"), leavesModelsOnDisk: leavesModelsOnDisk),
            observers: observers + [recorder],
            keep: { [self, models = Models(self)] report, result in
                let isBest = report.isBest || !report.bestModalities.isEmpty
                guard report.round > 0, report.round % saveEvery == 0 || isBest else { return }
                let prepared = try preparedSites
                if report.round % saveEvery == 0 {
                    try models.write(result, prepared: prepared, as: "checkpoint_latest.pth")
                }
                try models.writeBest(result, of: report, prepared: prepared)
            })
        for site in sites { try await coordinator.join(try site.makeLink()) }
        return coordinator
    }

    private var metric: MetricDescription { MetricDescription(strategy.judgement) }
}

/// The server's models as nnU-Net's results folders: the global one in `nnUNet_results`, and beside it those of single
/// modalities in `modalities/CT/nnUNet_results`.
private struct Models {
    private let server: URL
    private let run: FederatedRun

    init(_ run: FederatedRun) {
        server = run.output.appending(path: "server")
        self.run = run
    }

    private func folder(of modality: String? = nil) -> GlobalModelFolder {
        // A modality is a site's word: nothing but letters and digits get into a path.
        let place =
            modality.map {
                server.appending(path: "modalities").appending(path: $0.filter { $0.isLetter || $0.isNumber })
            } ?? server
        return GlobalModelFolder(
            results: place.appending(path: "nnUNet_results"), trainerName: run.trainerName,
            configuration: run.preparation.planning.configuration, fold: run.fold, mirroringAxes: run.mirroringAxes)
    }

    /// Writes the global model, and the models of single modalities, for every kind of site.
    @discardableResult
    func write(_ result: RunResult, prepared: PreparedSites, as name: String) throws -> (
        global: [URL], ofModality: [(modality: String, folder: URL)]
    ) {
        let ofModality = try result.ofModality.sorted { $0.key < $1.key }.flatMap { modality, weights in
            try write(weights, of: modality, result, prepared, as: name).map { (modality, $0) }
        }
        return (try write(result.global, result, prepared, as: name), ofModality)
    }

    func writeBest(_ result: RunResult, of report: RoundReport, prepared: PreparedSites) throws {
        if report.isBest, let best = result.best { try write(best, result, prepared, as: "checkpoint_best.pth") }
        for modality in report.bestModalities {
            guard let best = result.bestOfModality[modality] else { continue }
            try write(best, of: modality, result, prepared, as: "checkpoint_best.pth")
        }
    }

    @discardableResult
    private func write(
        _ weights: Weights, of modality: String? = nil, _ result: RunResult, _ prepared: PreparedSites, as name: String
    ) throws -> [URL] {
        // Sites alone can open it.
        if run.strategy.sealsModel { return [] }
        let representatives = GlobalModelFolder.groups(result.plan).compactMap { group in
            group.first { (modality == nil || $0.modality == modality) && prepared.sites[$0.name] != nil }
        }
        return try representatives.compactMap { site in
            try prepared.sites[site.name].map { own in
                try folder(of: modality).write(
                    weights, of: site, plan: result.plan, prepared: own, named: name, rounds: result.reports.count)
            }
        }
    }
}
