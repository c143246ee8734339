import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A federation of folders on one machine: what `cohort simulate` does.
///
/// Everything is checked before anything starts. Written below the run's output: `run.yaml`, `server/` (journal, models),
/// `sites/` (each site's own results), `baselines/`, `metrics.jsonl`, `tensorboard/`, `cross_site.json`, `scores.json`,
/// `report.html`.
public struct Simulation: Sendable {
    public let run: RunFile
    public let folders: DatasetFolders
    let tools: any StudyEngine
    let print: @Sendable (String) -> Void
    /// Who else watches the federation.
    public var observers: [any RoundObserver] = []
    public let sites: [StudySite]
    public let resources: ResourcePlan
    let strategy: Strategy
    let output: URL
    /// Of every site, as if it were its own.
    let rules: SiteRules

    /// Checks the run, splits and harmonises datasets where it says so, and finds out who takes part.
    ///
    /// - Parameters:
    ///   - folders: of raw and preprocessed data.
    ///   - rules: what every site allows; nobody is asked for an approval.
    ///   - print: gets the lines for people.
    public init(
        _ run: RunFile, folders: DatasetFolders, tools: any StudyEngine, cores: Int, rules: SiteRules = SiteRules(),
        print: @escaping @Sendable (String) -> Void
    ) throws {
        try run.check()
        if let node = run.sites.first(where: \.isFlowerNode) {
            throw StudyError.setting(
                "\(node.name) is a node of Flower's, which only a server can reach: hand the run in with cohort submit."
            )
        }
        let output = URL(filePath: run.outputFolder, directoryHint: .isDirectory)
        self.output = output
        self.rules = rules
        _ = try run.makeStrategy()
        try tools.check(run.training)
        try run.checkMetric()
        guard run.task != .extractFingerprint || run.plan.fingerprint != .none else {
            throw StudyError.setting(
                "Where every site plans for itself no fingerprint is merged: run cohort extract-fingerprint.")
        }
        self.folders = folders
        self.tools = tools
        self.print = print
        let members = try SiteDatasets(run, folders: folders, print: print).members
        strategy = try run.makeStrategy(
            at: StrategyPlace(
                run: "simulation", folder: output.appending(path: "server"),
                keys: .simulated(sites: members.map(\.name)),
                ckksKey: run.strategy.secureAggregation.needsKey ? try SharedKey.inSimulation(output) : nil))
        let wanted = members.map(\.gpu)
        let gpus = run.device == .cpu || run.task != .train ? 0 : try tools.gpuCount()
        let names = try members.map { try folders.datasetName($0.dataset) }
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw StudyError.setting(
                "Two sites have the dataset \(twice): each needs one of its own. Split it (--split).")
        }
        let recorded = try RecordedThreads(in: output)
        let resources = try ResourcePlan(
            sites: members.count, cores: cores, gpus: gpus, device: run.device, wanted: wanted,
            threads: try members.map { try recorded.threads(of: $0.name, stated: $0.threads) })
        self.resources = resources
        self.run = run.stating(threads: resources.threads)
        sites = try members.enumerated().map { index, member in
            let own = DatasetFolders(
                raw: folders.raw, preprocessed: folders.preprocessed,
                results: output.appending(path: "sites").appending(path: member.name))
            var site = try StudySite(
                member, of: run, folders: own, device: resources.devices[index], threads: resources.threads[index])
            // Beside a GPU the cores make batches.
            site.loaderThreads = resources.devices[index] == "cpu" ? 1 : resources.threads[index]
            return site
        }
        try checkCompatibility()
    }

    /// Says what differs between the sites, and refuses what cannot work.
    private func checkCompatibility() throws {
        guard sites.count > 1 else { return }
        let described = try sites.map { site in
            let raw = try raw(site)
            return DatasetCompatibility.Site(
                name: site.name, description: raw.description, modality: site.modality,
                spacing: try raw.medianSpacing())
        }
        let compatibility = DatasetCompatibility(described)
        for difference in compatibility.differences { print("\(difference.text)") }
        switch compatibility.consequence {
        case .nothing: throw FederationError.incompatibleSites(compatibility.advice)
        case .backboneOnly where run.sharing.mode != .backbone && run.task == .train:
            throw FederationError.incompatibleSites(
                compatibility.advice + " Set sharing.mode to backbone (--sharing backbone).")
        default: break
        }
    }

    func raw(_ site: StudySite) throws -> RawDataset {
        try RawDataset(folder: site.folders.raw.appending(path: site.dataset))
    }

    // MARK: Running

    /// Does what the run says, or goes on where it was left.
    public func start() async throws {
        try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
        // A run that is taken up keeps the file that it began with.
        let record = output.appending(path: "run.yaml")
        if !FileManager.default.fileExists(atPath: output.appending(path: "server/journal.jsonl").path) {
            try Data(run.yaml().utf8).write(to: record, options: .atomic)
        }
        print("\(run.name): \(resources)")
        let federated = federatedRun()
        guard run.task == .train else {
            try await federated.prepare(print: print)
            for site in sites {
                print("\(site.name): \(site.folders.preprocessed.appending(path: site.dataset).path)")
            }
            return
        }
        var outcome = try await federated.run(print: print)
        try await tellSpent()
        for model in outcome.models { print("global model: \(model.path)") }
        for site in sites {
            // What the site would make for itself.
            let own = SiteReport(
                of: site.name, records: outcome.records, facts: outcome.facts, matrix: outcome.matrix)
            let fault = try await site.write(own, showing: run.validation.overlays, engine: tools)
            if let fault { print("\(site.name): its own report has no pictures: \(fault)") }
        }
        let models = try await baselines(after: outcome)
        let tables = try await compare(models)
        outcome.facts.more += tables.facts
        let page = Report.html(
            records: outcome.records, matrix: outcome.matrix, facts: outcome.facts, tables: tables.tables)
        try Report.write(page, to: output.appending(path: "report.html"))
        if let matrix = outcome.matrix { print(matrix.text()) }
        for table in tables.tables { print(table.text) }
        print("report: \(output.appending(path: "report.html").path)")
    }

    func federatedRun() -> FederatedRun {
        let turnstile = Turnstile(resources.sitesAtATime)
        var federated = FederatedRun(
            title: run.name,
            sites: sites.map { site in
                FederatedRun.Site(name: site.name) {
                    let participation = try SiteParticipation(
                        site, in: run, called: run.name, rules: rules, ledgers: ledgers(site))
                    if let cost = participation.costText { print("\(site.name): \(cost)") }
                    let learner = try strategy.learner(
                        LimitedLearner(try tools.learner(participation.site), turnstile), of: site.name)
                    return InProcessLink(
                        try participation.participant(
                            called: site.name, learner: learner, filters: try filters(of: site)))
                }
            }, of: run, strategy: strategy, fold: sites[0].fold, output: output, engine: tools)
        federated.observers = observers
        return federated
    }

    /// The run's filters with the site's own folder; those that clip and seal updates are the same for all sites.
    private func filters(of site: StudySite) throws -> [any UpdateFilter] {
        let folder = site.folders.results.appending(path: "filters")
        let own = try run.strategy.filters.map { try $0.filter(folder: folder) }
        let first = run.privacy.differentialPrivacy?.unit == .site ? 1 : 0
        var filters = strategy.filters
        filters.replaceSubrange(first..<first + own.count, with: own)
        return filters
    }
}
