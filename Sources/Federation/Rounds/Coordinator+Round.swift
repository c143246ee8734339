#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The parts of one round.
extension Coordinator {
    /// Lets the selected sites train, and gives back what was usable, in the order of their names.
    func train(_ round: Int, global: Weights, plan: SharingPlan, report: inout RoundReport) async throws
        -> [Contribution]
    {
        let known = Dictionary(plan.sites.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
        let selected =
            round > 0
            ? try choose(strategy.selection, round: round, seed: settings.seed, atLeast: strategy.minimumSites) : sites
        await tell(.roundBegins(round, of: settings.rounds, sites: selected))
        for filter in strategy.filters {
            if let exchange = filter.exchange(.beforeTraining, round: round) { try await carryOut(exchange, selected) }
        }
        let start = ContinuousClock.now
        var outcomes: [String: RoundReport.SiteOutcome] = [:]
        var contributions: [Contribution] = []
        let check = UpdateCheck(plan)
        var received = 0
        let models = Dictionary(
            selected.map { ($0, plan.model(of: $0, from: global)) }, uniquingKeysWith: { a, _ in a })
        let tasks = tasks(
            { site in
                .train(
                    TrainTask(
                        round: round, rounds: settings.rounds, warmUpRounds: settings.warmUpRounds,
                        localEpochs: settings.localEpochs,
                        model: models[site] ?? Weights(), content: strategy.content,
                        proximalTerm: strategy.proximalTerm, frozen: round > 0 ? [] : plan.backbone(of: site)))
            }, for: selected)
        try await Exchange.perform(tasks, deadline: strategy.deadline) { arrival in
            var outcome = RoundReport.SiteOutcome(site: arrival.site, part: .took)
            outcome.seconds = arrival.seconds
            outcome.bytesSent = models[arrival.site]?.byteCount ?? 0
            do {
                guard case .update(var update) = try arrival.result.get() else {
                    throw FederationError.unusableUpdate(site: arrival.site, fact: "it is no update")
                }
                outcome.bytesReceived = update.weights.byteCount
                let context = FilterContext(round: round, site: arrival.site)
                for filter in strategy.filters.reversed() { update = try await filter.atServer(update, context) }
                try check.check(update, from: arrival.site)
                guard let site = known[arrival.site] else {
                    throw FederationError.unusableUpdate(site: arrival.site, fact: "it was not there at the start")
                }
                contributions.append(
                    Contribution(
                        site: site, content: update.content, tensors: update.weights,
                        weight: try strategy.weighting.weight(
                            of: site, examples: update.examples, steps: update.steps)))
                (outcome.examples, outcome.steps) = (update.examples, update.steps)
                outcome.metrics = update.metrics
                received += 1
                await tell(
                    .updateArrived(site: arrival.site, round: round, received: received, of: selected.count))
            } catch {
                if error is CancellationError, Task.isCancelled { throw error }
                outcome.part = arrival.isLate ? .late : .failed("\(error)")
            }
            outcomes[arrival.site] = outcome
        }
        for filter in strategy.filters.reversed() {
            if let exchange = filter.exchange(.afterTraining, round: round) { try await carryOut(exchange, selected) }
        }
        report.seconds[.training] = (ContinuousClock.now - start) / .seconds(1)
        report.sites = selected.compactMap { outcomes[$0] }
        let took = report.sites.filter { $0.part == .took }
        report.training = meanMetrics(took.map { ValidationResult(examples: $0.examples, metrics: $0.metrics) })
        guard took.count >= strategy.minimumSites else {
            throw FederationError.tooFewSites(
                needed: strategy.minimumSites, present: took.map(\.site),
                reasons: report.sites.compactMap { outcome in
                    switch outcome.part {
                    case .took, .notSelected: nil
                    case .late: "\(outcome.site): its update did not come in time"
                    case .failed(let reason): "\(outcome.site): \(reason)"
                    }
                })
        }
        return contributions.sorted { $0.site.name < $1.site.name }
    }

    /// Sites for a round. Names of sites that were left out are passed over.
    private func choose(_ selection: SiteSelection, round: Int, seed: UInt64, atLeast fewest: Int) throws -> [String] {
        if case .named(let names) = selection {
            let unknown = names.filter { links[$0] == nil }
            guard unknown.isEmpty else { throw FederationError.unknownSites(unknown, known: links.keys.sorted()) }
            return sites.filter { names.contains($0) }
        }
        let chosen = try selection.choose(from: sites, round: round, seed: seed)
        if chosen.count >= fewest { return chosen }
        return try SiteSelection.count(fewest).choose(from: sites, round: round, seed: seed)
    }

    /// An exchange of a filter, within a round. A site that fails in it ends the round: what was sealed cannot be opened.
    private func carryOut(_ exchange: any Preparation, _ sites: [String]) async throws {
        var exchange = exchange
        var answers: [String: Data] = [:]
        while let questions = try exchange.next(answers, sites: sites) {
            answers = [:]
            let tasks = tasks(
                { .answer(Question(to: exchange.addressee, questions[$0] ?? Data())) },
                for: sites.filter { questions[$0] != nil })
            try await Exchange.perform(tasks, deadline: strategy.deadline) { outcome in
                guard case .answer(let data) = try outcome.result.get() else {
                    throw FederationError.site("\(outcome.site) did not answer \(exchange.name).")
                }
                answers[outcome.site] = data
            }
        }
    }

    /// One model for every modality: the mean over its sites alone, whatever stands in for the mean among all.
    func modelsOfModalities(_ contributions: [Contribution], plan: SharingPlan, global: Weights) throws
        -> [String: Weights]
    {
        let groups = Dictionary(grouping: contributions) { $0.site.modality ?? "unknown" }
        return try groups.mapValues { try WeightedMean().combine($0, plan: plan, global: global) }
    }

    /// Lets sites judge the new global model.
    func judge(_ global: Weights, plan: SharingPlan, report: inout RoundReport) async throws {
        let start = ContinuousClock.now
        let judges = try choose(strategy.validators, round: report.round, seed: ~settings.seed, atLeast: 1)
        let round = report.round
        var results: [String: ValidationResult] = [:]
        var failures: [String: String] = [:]
        try await Exchange.perform(
            tasks(
                { .validate(ValidationTask(round: round, model: plan.model(of: $0, from: global))) }, for: judges),
            deadline: strategy.deadline
        ) { outcome in
            switch outcome.result {
            case .success(.validation(let result)): results[outcome.site] = result
            case .success: failures[outcome.site] = "it did not judge the model"
            case .failure(let error):
                if error is CancellationError, Task.isCancelled { throw error }
                failures[outcome.site] = outcome.isLate ? "its figures did not come in time" : "\(error)"
            }
        }
        for site in judges {
            var index = report.sites.firstIndex { $0.site == site }
            if index == nil {
                report.sites.append(RoundReport.SiteOutcome(site: site, part: .notSelected))
                report.sites.sort { $0.site < $1.site }
                index = report.sites.firstIndex { $0.site == site }
            }
            report.sites[index!].validation = results[site]
            report.sites[index!].validationFailure = failures[site]
        }
        // In the order of names: the mean must not depend on who was first.
        report.validation = meanMetrics(judges.compactMap { results[$0] })
        report.seconds[.validation] = (ContinuousClock.now - start) / .seconds(1)
    }

    /// Sends every site the last model. One that cannot take it has lost nothing but that.
    func finish(_ global: Weights, plan: SharingPlan) async throws {
        var failures: [(String, String)] = []
        try await Exchange.perform(
            tasks({ .finish(plan.model(of: $0, from: global)) }, for: sites), deadline: strategy.deadline
        ) { outcome in
            if case .failure(let error) = outcome.result { failures.append((outcome.site, "\(error)")) }
        }
        try Task.checkCancellation()
        for (site, reason) in failures { await tell(.siteLeftOut(site, during: "the end", reason: reason)) }
        try endJournal()
    }
}
