/// Updates that open only together.
extension Coordinator {
    /// What a round's sealed updates will have in common; nil where the server reads each.
    func sealedRound(_ round: Int, plan: SharingPlan) throws -> SealedRound? {
        guard strategy.sealing != nil else { return nil }
        let weights = try plan.sites.map { try strategy.weighting.weight(of: $0, examples: $0.examples, steps: 1) }
        // Without groups as they are, such as numbers of cases: so that every site finds its own among them.
        let shares =
            strategy.weighting.groups == nil ? weights.map(\.value) : SiteWeighting.shares(weights) ?? []
        return SealedRound(
            round: round, plan: plan, content: strategy.content,
            weights: Dictionary(zip(plan.sites.map(\.name), shares), uniquingKeysWith: { a, _ in a }))
    }

    /// What a filter asks of the sites.
    func exchange(of filter: any UpdateFilter, _ moment: FilterMoment, round: Int, _ sealed: SealedRound?) throws
        -> (any Preparation)?
    {
        guard let filter = filter as? any SealingFilter, let sealed else {
            return filter.exchange(moment, round: round)
        }
        return try filter.exchange(moment, sealed)
    }

    /// Opens a round's updates together: the one contribution that they make, and whose they are.
    func open(_ updates: [String: ModelUpdate], with filter: any SealingFilter, _ sealed: SealedRound) async throws
        -> (contribution: Contribution, plan: SharingPlan, sites: [String])
    {
        let opened = try await filter.open(updates, sealed)
        let part = opened.sites.compactMap { updates[$0] }
        var update = ModelUpdate(
            sealed.content, opened.tensors, examples: part.reduce(0) { $0 + $1.examples },
            steps: part.reduce(0) { $0 + $1.steps })
        let context = FilterContext(round: sealed.round, site: FilterContext.allSites)
        for filter in strategy.filters.dropLast().reversed() { update = try await filter.atServer(update, context) }
        let plan = sealed.plan.united(of: opened.sites)
        try UpdateCheck(plan).check(update, from: FilterContext.allSites)
        let contribution = Contribution(
            site: plan.sites[0], content: update.content, tensors: update.tensors,
            weight: SiteWeighting.Weight(group: "", groupWeight: nil, value: 1))
        return (contribution, plan, opened.sites)
    }
}
