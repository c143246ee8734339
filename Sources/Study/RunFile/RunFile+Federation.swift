import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension RunFile {
    /// The strategy of the coordinator.
    ///
    /// - Parameter folder: of the run at the server, for what must outlive it; nil keeps nothing.
    /// - Throws: `FederationError.setting`, `PrivacyError.setting`; not after a `check`.
    public func makeStrategy(folder: URL? = nil) throws -> Federation.Strategy {
        var result = Federation.Strategy()
        result.selection = strategy.select
        result.minimumSites = strategy.minimumSites
        result.deadline = strategy.deadline
        result.preparationDeadline = strategy.preparationDeadline
        result.sharing = sharing
        result.weighting = strategy.weighting
        result.content = strategy.update
        result.aggregator = strategy.aggregation.aggregator
        result.serverOptimizer = strategy.serverOptimizer
        result.filters = strategy.filters.map(\.filter)
        result.proximalTerm = strategy.proximalTerm
        result.validationInterval = validation.every
        result.validators = validation.select
        result.judgement = validation.judgement
        result.keepsModelOfEachModality = strategy.modelOfEachModality
        try privacy.differentialPrivacy?.protect(&result, of: self, folder: folder)
        try result.validate()
        return result
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

extension RunFile.Strategy.Filter {
    public var filter: any UpdateFilter {
        switch self {
        case .halfPrecision: HalfPrecision()
        }
    }
}
