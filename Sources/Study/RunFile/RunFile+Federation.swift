import Federation
import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension RunFile {
    /// The strategy of the coordinator; its filters are also those of a site.
    ///
    /// - Parameter place: where the filters are to work.
    /// - Throws: `FederationError.setting`, `PrivacyError.setting`; not after a `check`.
    public func makeStrategy(at place: StrategyPlace = StrategyPlace()) throws -> Federation.Strategy {
        var result = Federation.Strategy()
        result.selection = strategy.select
        result.minimumSites = max(strategy.minimumSites, strategy.secureAggregation.fewestSites)
        result.deadline = strategy.deadline
        result.preparationDeadline = strategy.preparationDeadline
        result.sharing = sharing
        result.weighting = strategy.weighting
        result.content = strategy.update
        result.aggregator = strategy.aggregation.aggregator
        result.serverOptimizer = strategy.serverOptimizer
        result.filters = try strategy.filters.map { try $0.filter(folder: place.folder) }
        result.proximalTerm = strategy.proximalTerm
        result.validationInterval = validation.every
        result.validators = validation.select
        result.judgement = validation.judgement
        result.keepsModelOfEachModality = strategy.modelOfEachModality
        try seal(&result, at: place)
        try privacy.differentialPrivacy?.protect(&result, of: self, folder: place.folder)
        try leaveToSites(&result)
        try result.validate()
        return result
    }

    private func seal(_ result: inout Federation.Strategy, at place: StrategyPlace) throws {
        switch strategy.secureAggregation {
        case .plain: break
        case .sum(var settings):
            settings.leastUpdates = strategy.minimumSites
            settings.noisySites = privacy.differentialPrivacy?.noisySites ?? 0
            switch place.keys {
            case .none:
                result.filters.append(
                    try SecureSum(settings, run: place.run, weighting: strategy.weighting, verifier: SiteKeys([:])))
            case .simulated(let sites):
                result.filters.append(
                    try SecureSum.simulated(settings, run: place.run, weighting: strategy.weighting, sites: sites))
            case .certificates(let signers, let verifier):
                result.filters.append(
                    try SecureSum(
                        settings, run: place.run, weighting: strategy.weighting, folder: place.folder, signers: signers,
                        verifier: verifier))
            }
        case .ckks(let settings):
            let aggregation = try CKKSAggregation(
                run: place.run, parameters: settings.parameters(), weighting: strategy.weighting.rule,
                content: strategy.update,
                fewestSites: max(
                    strategy.secureAggregation.fewestSites, strategy.minimumSites,
                    privacy.differentialPrivacy?.noisySites ?? 0),
                key: place.ckksKey)
            result.filters.append(aggregation)
            result.aggregator = CKKSSum()
        }
    }

    /// Under CKKS whole models come to the server, and of all filters before it the site's half alone works.
    private func leaveToSites(_ result: inout Federation.Strategy) throws {
        guard let aggregation = result.filters.last as? CKKSAggregation else { return }
        result.content = .weights
        result.filters = result.filters.dropLast().map(SiteHalf.init) + [aggregation]
        let misfits = aggregation.misfits(result)
        guard misfits.isEmpty else { throw PrivacyError.setting(misfits.joined(separator: " ")) }
    }

    public var runSettings: RunSettings {
        RunSettings(
            rounds: training.rounds, localEpochs: training.localEpochs, warmUpRounds: training.warmUpRounds,
            seed: training.seed, identity: identity)
    }

    /// All that must not change where a run is taken up again. What only says where and how fast it runs may.
    private var identity: String {
        var file = resolved
        let other = RunFile()
        file.name = other.name
        file.output = other.output
        file.saveEvery = other.saveEvery
        file.device = other.device
        file.baselines = other.baselines
        file.validation.crossSite = other.validation.crossSite
        file.validation.overlays = other.validation.overlays
        file.strategy.deadline = nil
        file.strategy.preparationDeadline = nil
        // The settings have these themselves.
        file.training.rounds = other.training.rounds
        // Threads are kept from the run's record; see RecordedThreads.
        file.split?.threads = nil
        for index in file.sites.indices {
            file.sites[index].threads = nil
            file.sites[index].gpu = nil
        }
        return file.node.text
    }
}

extension RunFile {
    /// - Throws: `StudyError.setting` where no site reports what the best model is told by.
    func checkMetric() throws {
        let metric = validation.judgement.metric
        guard metric == "dice" || metric == "val_loss" || metric.hasPrefix("dice/") else {
            throw StudyError.setting(
                "validation.metric is \(metric); sites report dice, val_loss, and dice/LABEL for every label.")
        }
    }
}

extension Federation.Strategy {
    /// Whether the server's model is one that it cannot read.
    public var sealsModel: Bool { filters.last is CKKSAggregation }

    /// A site's learner, which opens the models that come where the server's are sealed.
    ///
    /// - Throws: `PrivacyError.setting` where the site has no key.
    public func learner(_ learner: any Learner, of site: String) throws -> any Learner {
        guard let aggregation = filters.last as? CKKSAggregation else { return learner }
        return try CKKSLearner(learner, site: site, aggregation: aggregation)
    }
}
