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
    private let keep: @Sendable (RoundReport, RunResult) throws -> Void
    var links: [String: any SiteLink] = [:]
    private var leftOut: Set<String> = []

    /// - Parameters:
    ///   - folder: where the run is kept; nil keeps nothing, and a crash loses it.
    ///   - keep: called after every round, with where the run then stands; to write models in a form of their own.
    public init(
        _ settings: RunSettings, strategy: Strategy = Strategy(), preparations: [any Preparation] = [],
        folder: sending RunFolder? = nil, observers: [any RoundObserver] = [],
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
    }

    /// Lets a site in.
    public func join(_ link: any SiteLink) throws {
        guard links[link.site] == nil else { throw FederationError.twoSitesOfOneName(link.site) }
        links[link.site] = link
    }

    func tell(_ event: RunEvent) async { for observer in observers { await observer.observe(event) } }

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
        if settings.warmUpRounds > 0 {
            guard descriptions.contains(where: { plan.backbone(of: $0.name).count < $0.tensors.count }) else {
                throw FederationError.setting(
                    "Warm-up trains what is not shared with all sites, and everything is. Set no warm-up rounds, or share the backbone only."
                )
            }
        }

        var global: Weights
        var state = ServerOptimizer.State()
        var reports: [RoundReport] = []
        var best: (round: Int, value: Double)?
        var bestModel: Weights?
        var ofModality: [String: Weights] = [:]
        if let kept = try folder?.state(judgement: strategy.judgement) {
            (global, state, reports, best) = (kept.global, kept.optimizer, kept.reports, kept.best)
            bestModel = try folder?.best()
            ofModality = try folder?.modelsOfModalities() ?? [:]
            await tell(.resumed(after: reports))
            // A crash may have come between the journal and what is kept beside it.
            if let last = reports.last {
                try keep(
                    last,
                    RunResult(global: global, best: bestModel, ofModality: ofModality, plan: plan, reports: reports))
            }
        } else {
            global = try await initialWeights(plan)
            try folder?.initialise(global, leftOut: leftOut.sorted())
        }

        let first = reports.last.map { $0.round + 1 } ?? 1 - settings.warmUpRounds
        for round in stride(from: first, through: settings.rounds, by: 1) {
            try Task.checkCancellation()
            var report = RoundReport(round: round, rounds: settings.rounds)
            let contributions = try await train(round, global: global, plan: plan, report: &report)
            await tell(.aggregating(round: round))
            let aggregationStart = ContinuousClock.now
            let aggregated = try strategy.aggregator.combine(contributions, plan: plan, global: global)
            if round > 0 {
                if strategy.keepsModelOfEachModality {
                    ofModality.merge(try modelsOfModalities(contributions, plan: plan, global: global)) { $1 }
                }
                global = try strategy.serverOptimizer.step(global, towards: aggregated, state: &state)
            } else {
                global = aggregated
            }
            report.seconds[.aggregation] = (ContinuousClock.now - aggregationStart) / .seconds(1)
            let interval = strategy.validationInterval
            if interval > 0, round > 0, round % interval == 0 || round == settings.rounds {
                await tell(.validating(round: round))
                try await judge(global, plan: plan, report: &report)
                if let value = report.validation[strategy.judgement.metric],
                    strategy.judgement.isBetter(value, than: best?.value)
                {
                    report.isBest = true
                    best = (round, value)
                    bestModel = global
                }
            }
            let start = ContinuousClock.now
            try folder?.finish(report, global: global, optimizer: state, ofModality: ofModality)
            reports.append(report)
            try keep(
                report,
                RunResult(global: global, best: bestModel, ofModality: ofModality, plan: plan, reports: reports))
            report.seconds[.saving] = (ContinuousClock.now - start) / .seconds(1)
            reports[reports.count - 1] = report
            await tell(.roundEnds(report))
        }
        try await finish(global, plan: plan)
        return RunResult(global: global, best: bestModel, ofModality: ofModality, plan: plan, reports: reports)
    }

    /// Asks all sites until the preparation has what it needs. A site that fails is left out of the run, and the
    /// preparation begins again without it.
    private func prepare(_ preparation: any Preparation) async throws {
        if folder?.isPrepared(preparation.name) == true { return }
        await tell(.preparing(preparation.name, round: preparation.round))
        var reasons: [String] = []
        attempt: while true {
            var attempt = preparation
            var answers: [String: Data] = [:]
            let asked = sites
            guard asked.count >= strategy.minimumSites else {
                throw FederationError.tooFewSites(needed: strategy.minimumSites, present: asked, reasons: reasons)
            }
            var shown = (preparation.name, preparation.round)
            while let questions = try attempt.next(answers, sites: asked) {
                if shown != (attempt.name, attempt.round) {
                    shown = (attempt.name, attempt.round)
                    await tell(.preparing(attempt.name, round: attempt.round))
                }
                answers = [:]
                var failures: [(String, String)] = []
                let tasks = try tasks(
                    { site in
                        guard let payload = questions[site] else {
                            throw FederationError.setting("\(preparation.name) has no question for \(site).")
                        }
                        return .answer(Question(to: preparation.addressee, payload))
                    }, for: asked)
                try await Exchange.perform(tasks, deadline: nil) { outcome in
                    switch outcome.result {
                    case .success(.answer(let data)): answers[outcome.site] = data
                    case .success: failures.append((outcome.site, "it did not answer the question"))
                    case .failure(let error): failures.append((outcome.site, "\(error)"))
                    }
                }
                if failures.isEmpty { continue }
                for (site, reason) in failures.sorted(by: { $0.0 < $1.0 }) {
                    leftOut.insert(site)
                    reasons.append("\(site): \(reason)")
                    await tell(.siteLeftOut(site, during: preparation.name, reason: reason))
                }
                continue attempt
            }
            try folder?.prepared(preparation.name, leftOut: leftOut.sorted())
            return
        }
    }

    private func describeSites() async throws -> [SiteDescription] {
        var descriptions: [SiteDescription] = []
        var reasons: [(site: String, reason: String)] = []
        try await Exchange.perform(tasks({ _ in .describe }, for: sites), deadline: nil) { outcome in
            switch outcome.result {
            case .success(.description(var description)):
                description.name = outcome.site
                descriptions.append(description)
            case .success: reasons.append((outcome.site, "it did not describe itself"))
            case .failure(let error): reasons.append((outcome.site, "\(error)"))
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
            let reply = try await links[site]!.perform(.initialWeights(names.map(\.own)))
            guard case .weights(let weights) = reply else {
                throw FederationError.site("\(site) sent no weights to begin with.")
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
