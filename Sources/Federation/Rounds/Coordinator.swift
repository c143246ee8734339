#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Leads a run: prepares the sites, and makes of their updates one model, round by round.
public actor Coordinator {
    public let settings: RunSettings
    public let strategy: Strategy
    private let preparations: [any Preparation]
    private let folder: RunFolder?
    private let observers: [any RoundObserver]
    private let clock: any Clock<Duration>
    private let keep: @Sendable (RoundReport, RunResult) throws -> Void
    var links: [String: any SiteLink] = [:]
    private var leftOut: Set<String> = []

    /// - Parameters:
    ///   - folder: where the run is kept; nil keeps nothing, and a crash loses it.
    ///   - clock: what deadlines go by.
    ///   - keep: called after every round, with where the run then stands; to write models in a form of their own.
    public init(
        _ settings: RunSettings, strategy: Strategy = Strategy(), preparations: [any Preparation] = [],
        folder: sending RunFolder? = nil, observers: [any RoundObserver] = [],
        clock: any Clock<Duration> = ContinuousClock(),
        keep: @escaping @Sendable (RoundReport, RunResult) throws -> Void = { _, _ in }
    ) throws {
        try strategy.validate()
        guard settings.rounds > 0, settings.localEpochs > 0, settings.warmUpRounds >= 0 else {
            throw FederationError.setting("A run has at least one round, one local epoch and no negative warm-up.")
        }
        self.settings = settings
        self.strategy = strategy
        self.preparations = preparations
        self.folder = folder
        self.observers = observers
        self.keep = keep
        self.clock = clock
    }

    /// Lets a site in.
    public func join(_ link: any SiteLink) throws {
        guard links[link.site] == nil else { throw FederationError.twoSitesOfOneName(link.site) }
        links[link.site] = link
    }

    func tell(_ event: RunEvent) async { for observer in observers { await observer.observe(event) } }

    /// A time from now on; nil for none.
    func deadline(_ duration: Duration?) -> Deadline? {
        func made(_ clock: some Clock<Duration>) -> Deadline? { duration.map { Deadline(after: $0, clock) } }
        return made(clock)
    }

    func endJournal() throws { if folder?.hasEnded == false { try folder?.journal.append(.ended) } }

    var sites: [String] { links.keys.filter { !leftOut.contains($0) }.sorted() }

    func tasks(_ task: (String) throws -> SiteTask, for sites: [String]) rethrows -> [(any SiteLink, SiteTask)] {
        try sites.compactMap { site in try links[site].map { ($0, try task(site)) } }
    }

    // MARK: Before the first round

    /// Waits until as many sites as the strategy needs are there.
    public func waitForSites(upTo limit: Duration? = nil) async throws {
        let clock = ContinuousClock()
        let end = limit.map { clock.now + $0 }
        while links.count < strategy.minimumSites {
            let left = end.map { ($0 - clock.now) / .seconds(1) }
            await tell(.waiting(for: strategy.minimumSites - links.count, secondsLeft: left))
            if let left, left <= 0 {
                throw FederationError.tooFewSites(
                    needed: strategy.minimumSites, present: sites, reasons: ["the time to wait for them is over"])
            }
            try await Task.sleep(for: .seconds(min(1, left ?? 1)))
        }
    }

    /// Only what comes before the first round of training.
    public func prepare() async throws {
        try folder?.begin(settings: "\(settings)")
        leftOut = folder?.leftOut ?? []
        try await waitForSites()
        for preparation in preparations { try await prepare(preparation) }
    }

    /// Prepares, trains all rounds, and tells the sites the end. Goes on where the folder's run was left.
    public func run() async throws -> RunResult {
        try await prepare()
        let descriptions = try await describeSites()
        // Weights that are missing end the run here, and not in every round.
        for site in descriptions { _ = try strategy.weighting.weight(of: site, examples: site.examples, steps: 1) }
        let plan = try SharingPlan(sites: descriptions, sharing: strategy.sharing)
        try strategy.sealing?.admit(plan)
        if settings.warmUpRounds > 0 {
            guard descriptions.contains(where: { plan.backbone(of: $0.name).count < $0.tensors.count }) else {
                throw FederationError.setting(
                    "Warm-up trains what is not shared with all sites, and everything is. Set no warm-up rounds, or share the backbone only."
                )
            }
        }

        var state: RunState
        if let kept = try folder?.state(judgement: strategy.judgement) {
            state = kept
            await tell(.resumed(after: state.reports))
            // A crash may have come between the journal and what is kept beside it.
            if let last = state.reports.last { try keep(last, RunResult(state, plan: plan)) }
        } else {
            state = RunState(global: try await initialWeights(plan))
            try folder?.initialise(&state, leftOut: leftOut.sorted())
        }
        let first = state.reports.last.map { $0.round + 1 } ?? 1 - settings.warmUpRounds
        for round in stride(from: first, through: settings.rounds, by: 1) {
            try Task.checkCancellation()
            try await perform(round, plan, &state)
        }
        try await finish(state.global, plan: plan)
        return RunResult(state, plan: plan)
    }

    /// One round: training at the sites, one model out of their updates, its judgement, and all of it on the disk.
    private func perform(_ round: Int, _ plan: SharingPlan, _ state: inout RunState) async throws {
        var report = RoundReport(round: round, rounds: settings.rounds)
        let updates = try await train(round, global: state.global, plan: plan, report: &report)
        await tell(.aggregating(round: round))
        let clock = ContinuousClock()
        let aggregation = clock.now
        let aggregated = try strategy.aggregator.combine(
            updates.contributions, plan: updates.plan, global: state.global)
        if round > 0 {
            if strategy.keepsModelOfEachModality {
                let models = try modelsOfModalities(updates.contributions, plan: plan, global: state.global)
                state.ofModality.merge(models) { $1 }
            }
            state.global = try strategy.serverOptimizer.step(
                state.global, towards: aggregated, state: &state.optimizer)
        } else {
            state.global = aggregated
        }
        report.seconds[.aggregation] = (clock.now - aggregation) / .seconds(1)
        let interval = strategy.validationInterval
        if interval > 0, round > 0, round % interval == 0 || round == settings.rounds {
            await tell(.validating(round: round))
            try await judge(&state, plan: plan, report: &report)
        }
        let saving = clock.now
        try folder?.finish(report, &state)
        state.reports.append(report)
        try keep(report, RunResult(state, plan: plan))
        report.seconds[.saving] = (clock.now - saving) / .seconds(1)
        state.reports[state.reports.count - 1] = report
        await tell(.roundEnds(report))
    }

    private func prepare(_ preparation: any Preparation) async throws {
        if folder?.isPrepared(preparation.name) == true { return }
        _ = try await carryOut(
            preparation, with: sites, until: { deadline(strategy.preparationDeadline) }
        ) { site, step, reason in
            leftOut.insert(site)
            await tell(.siteLeftOut(site, during: step, reason: reason))
        }
        try folder?.prepared(preparation.name, leftOut: leftOut.sorted())
    }

    private func describeSites() async throws -> [SiteDescription] {
        var descriptions: [SiteDescription] = []
        var reasons: [(site: String, reason: String)] = []
        let end = deadline(strategy.preparationDeadline)
        try await Exchange.perform(tasks({ _ in .describe }, for: sites), until: end) { outcome in
            switch outcome.result {
            case .success(.description(var description)):
                description.name = outcome.site
                descriptions.append(description)
            case .success: reasons.append((outcome.site, "it did not describe itself"))
            case .failure(let error):
                reasons.append((outcome.site, outcome.isLate ? "it did not describe itself in time" : "\(error)"))
            }
        }
        reasons.sort { $0.site < $1.site }
        for (site, reason) in reasons {
            leftOut.insert(site)
            await tell(.siteLeftOut(site, during: "description", reason: reason))
        }
        guard descriptions.count >= strategy.minimumSites else {
            throw FederationError.tooFewSites(
                needed: strategy.minimumSites, present: sites, reasons: reasons.map { "\($0.site): \($0.reason)" })
        }
        return descriptions
    }

    /// Every shared tensor from the first site, by name, that holds it: what all begin with.
    private func initialWeights(_ plan: SharingPlan) async throws -> Weights {
        var wanted: [String: [(own: String, shared: TensorDescription)]] = [:]
        for share in plan.shares {
            let first = share.members.keys.min()!
            wanted[first, default: []].append((share.members[first]!, share.tensor))
        }
        var found: [String: Weights.Tensor] = [:]
        for site in wanted.keys.sorted() {
            let names = wanted[site]!
            var weights = Weights()
            let end = deadline(strategy.preparationDeadline)
            try await Exchange.perform(tasks({ _ in .initialWeights(names.map(\.own)) }, for: [site]), until: end) {
                guard case .weights(let reply) = try $0.result.get() else {
                    throw FederationError.site("\(site) sent no weights to begin with.")
                }
                weights = reply
            }
            for (own, shared) in names {
                guard let tensor = weights[own], tensor.shape == shared.shape, tensor.description.type == shared.type
                else { throw FederationError.unusableUpdate(site: site, fact: "its first weights have no \(own)") }
                found[shared.name] = tensor.renamed(shared.name)
            }
        }
        let weights = Weights(plan.shares.compactMap { found[$0.tensor.name] })
        if let bad = try weights.firstNonFinite() {
            throw FederationError.incompatibleSites("The first weights hold NaN or infinite values in \(bad.name).")
        }
        return weights
    }
}
