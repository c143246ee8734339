#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The parts of one round.
extension Coordinator {
    /// Lets the selected sites train, and gives back what was usable, in the order of their names, with the plan that it
    /// goes by: that of one site for all, where updates open only together.
    func train(_ round: Int, global: Weights, plan: SharingPlan, report: inout RoundReport) async throws
        -> (contributions: [Contribution], plan: SharingPlan)
    {
        let known = Dictionary(plan.sites.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
        let selected =
            round > 0
            ? try choose(strategy.selection, round: round, seed: settings.seed, atLeast: strategy.minimumSites) : sites
        await tell(.roundBegins(round, of: settings.rounds, sites: selected))
        let clock = ContinuousClock()
        let start = clock.now
        let end = deadline(strategy.deadline)
        var outcomes: [String: RoundReport.SiteOutcome] = [:]
        func lose(_ site: String, during step: String, _ reason: String) async {
            outcomes[site, default: RoundReport.SiteOutcome(site: site, part: .took)].part = .failed(reason)
            await tell(.siteLeftOut(site, during: step, reason: reason))
        }
        var training = selected
        let sealed = try sealedRound(round, plan: plan)
        for filter in strategy.filters {
            guard let exchange = try exchange(of: filter, .beforeTraining, round: round, sealed) else { continue }
            training = try await carryOut(exchange, with: training, until: { end }, lost: lose)
        }
        let session = sealed.flatMap { strategy.sealing?.session($0) }

        let models = Dictionary(
            training.map { ($0, plan.model(of: $0, from: global)) }, uniquingKeysWith: { a, _ in a })
        let tasks = tasks(
            { site in
                .train(
                    TrainTask(
                        round: round, rounds: settings.rounds, warmUpRounds: settings.warmUpRounds,
                        localEpochs: settings.localEpochs,
                        model: models[site] ?? Weights(), content: strategy.content,
                        proximalTerm: strategy.proximalTerm, frozen: round > 0 ? [] : plan.backbone(of: site),
                        session: session))
            }, for: training)
        var updates: [String: ModelUpdate] = [:]
        try await Exchange.perform(tasks, until: end) { arrival in
            var outcome = RoundReport.SiteOutcome(site: arrival.site, part: .took)
            outcome.seconds = arrival.seconds
            outcome.bytesSent = models[arrival.site]?.byteCount ?? 0
            switch arrival.result {
            case .success(.update(let update)):
                outcome.bytesReceived = update.tensors.byteCount
                updates[arrival.site] = update
                await tell(
                    .updateArrived(
                        site: arrival.site, round: round, received: updates.count, of: selected.count))
            case .success: outcome.part = .failed("it sent no update")
            case .failure(let error):
                if error is CancellationError, Task.isCancelled { throw error }
                outcome.part = arrival.isLate ? .late : .failed("\(error)")
            }
            outcomes[arrival.site] = outcome
        }
        if let sealing = strategy.sealing, let sealed {
            for (site, update) in updates {
                do { try sealing.check(update, from: site, sealed) } catch {
                    updates[site] = nil
                    outcomes[site]?.part = .failed("\(error)")
                }
            }
        }
        var arrived = updates.keys.sorted()
        // Too few are not opened; the end of the round says why the others are missing.
        if sealed != nil, arrived.count < strategy.minimumSites { arrived = [] }
        // Where a site was late, the time for training is over by now.
        let endOfExchange = deadline(strategy.deadline)
        for filter in strategy.filters.reversed() where !arrived.isEmpty {
            guard let exchange = try exchange(of: filter, .afterTraining, round: round, sealed) else { continue }
            arrived = try await carryOut(exchange, with: arrived, until: { endOfExchange }, lost: lose)
        }

        let check = UpdateCheck(plan)
        var contributions: [Contribution] = []
        var planOfUpdates = plan
        if let sealing = strategy.sealing, let sealed, !arrived.isEmpty {
            let opened = try await open(updates, with: sealing, sealed)
            (contributions, planOfUpdates) = ([opened.contribution], opened.plan)
            for (site, update) in updates {
                // One that was lost after its update had come is in the sum all the same.
                outcomes[site]?.part = opened.sites.contains(site) ? .took : .failed("its update was not opened")
                outcomes[site]?.count(update)
            }
            arrived = []
        }
        for site in arrived {
            guard var update = updates.removeValue(forKey: site) else { continue }
            do {
                let context = FilterContext(round: round, site: site)
                for filter in strategy.filters.reversed() { update = try await filter.atServer(update, context) }
                try check.check(update, from: site)
                guard let description = known[site] else {
                    throw FederationError.unusableUpdate(site: site, fact: "it was not there at the start")
                }
                contributions.append(
                    Contribution(
                        site: description, content: update.content, tensors: update.tensors,
                        weight: try strategy.weighting.weight(
                            of: description, examples: update.examples, steps: update.steps)))
                outcomes[site]?.count(update)
            } catch {
                if error is CancellationError, Task.isCancelled { throw error }
                outcomes[site]?.part = .failed("\(error)")
            }
        }
        report.seconds[.training] = (clock.now - start) / .seconds(1)
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
        return (contributions, planOfUpdates)
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

    /// One model for every modality: the mean over its sites alone, whatever stands in for the mean among all.
    func modelsOfModalities(_ contributions: [Contribution], plan: SharingPlan, global: Weights) throws
        -> [String: Weights]
    {
        let groups = Dictionary(grouping: contributions) { $0.site.modality ?? "unknown" }
        return try groups.mapValues { try WeightedMean().combine($0, plan: plan, global: global) }
    }

    /// Lets sites judge the new global model, and that of their modality.
    func judge(_ state: inout RunState, plan: SharingPlan, report: inout RoundReport) async throws {
        let start = ContinuousClock.now
        let end = deadline(strategy.deadline)
        let round = report.round
        let judges = try choose(strategy.validators, round: round, seed: ~settings.seed, atLeast: 1)
        let (metric, judgement) = (strategy.judgement.metric, strategy.judgement)

        let (results, failures) = try await results(
            of: state.global, .server, round, by: judges, plan: plan, until: end)
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
        if let value = report.validation[metric], judgement.isBetter(value, than: state.best?.value) {
            report.isBest = true
            state.best = RunState.Best(round: round, value: value, model: state.global)
        }

        let modalities = Dictionary(
            plan.sites.map { ($0.name, $0.modality ?? "unknown") }, uniquingKeysWith: { a, _ in a })
        for (modality, model) in state.ofModality.sorted(by: { $0.key < $1.key }) {
            let own = judges.filter { modalities[$0] == modality }
            let (results, _) = try await self.results(
                of: model, .modality(modality), round, by: own, plan: plan, until: end)
            let mean = meanMetrics(own.compactMap { results[$0] })
            report.validationOfModality[modality] = mean
            if let value = mean[metric], judgement.isBetter(value, than: state.bestOfModality[modality]?.value) {
                report.bestModalities.append(modality)
                state.bestOfModality[modality] = RunState.Best(round: round, value: value, model: model)
            }
        }
        report.seconds[.validation] = (ContinuousClock.now - start) / .seconds(1)
    }

    /// What sites find a model to be worth, and why some do not say.
    private func results(
        of model: Weights, _ owner: ValidationTask.Owner, _ round: Int, by judges: [String], plan: SharingPlan,
        until end: Deadline?
    ) async throws -> (results: [String: ValidationResult], failures: [String: String]) {
        var results: [String: ValidationResult] = [:]
        var failures: [String: String] = [:]
        let tasks = tasks(
            { .validate(ValidationTask(round: round, model: plan.model(of: $0, from: model), owner: owner)) },
            for: judges)
        try await Exchange.perform(tasks, until: end) { outcome in
            switch outcome.result {
            case .success(.validation(let result)): results[outcome.site] = result
            case .success: failures[outcome.site] = "it did not judge the model"
            case .failure(let error):
                if error is CancellationError, Task.isCancelled { throw error }
                failures[outcome.site] = outcome.isLate ? "its figures did not come in time" : "\(error)"
            }
        }
        return (results, failures)
    }

    /// Sends every site the last model. One that cannot take it has lost nothing but that.
    func finish(_ global: Weights, plan: SharingPlan) async throws {
        var failures: [(String, String)] = []
        try await Exchange.perform(
            tasks({ .finish(plan.model(of: $0, from: global)) }, for: sites),
            until: deadline(strategy.deadline)
        ) { outcome in
            if case .failure(let error) = outcome.result { failures.append((outcome.site, "\(error)")) }
        }
        try Task.checkCancellation()
        for (site, reason) in failures { await tell(.siteLeftOut(site, during: "the end", reason: reason)) }
        try endJournal()
    }
}
