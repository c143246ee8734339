import Federation
import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension RunFile {
    /// Rounds in which sites send updates.
    var updatesOfASite: Int {
        let (sum, overflow) = training.rounds.addingReportingOverflow(training.warmUpRounds)
        return overflow ? .max : sum
    }

    /// Steps that a site trains in all; the largest number where no number holds them.
    var stepsOfASite: Int {
        [training.localEpochs, training.iterationsPerEpoch].reduce(updatesOfASite) { steps, factor in
            let (product, overflow) = steps.multipliedReportingOverflow(by: factor)
            return overflow ? .max : product
        }
    }

    /// What sites are asked to release without noise. A run that trains nothing asks for fingerprints alone.
    var plainReleases: Set<PlainRelease> {
        guard task == .train else { return [.fingerprint] }
        guard let promise = privacy.differentialPrivacy else { return [.fingerprint, .counts, .metrics, .model] }
        return Set(promise.releases).union(promise.seed == nil ? [] : [.seededNoise])
    }
}

extension RunFile.DifferentialPrivacy {
    /// DP-SGD as this asks for it; not before a `check`.
    public func recordLevel(of run: RunFile) -> RecordLevelSettings {
        RecordLevelSettings(
            clippingNorm: clippingNorm ?? 1,
            expectedBatch: expectedBatch ?? Double(run.training.batchSize ?? 0),
            noise: noiseMultiplier.map { .multiplier($0) } ?? .epsilon(epsilon ?? 0), delta: delta ?? 0,
            steps: run.stepsOfASite, accountant: accountant)
    }

    /// Noise that hides whole sites; not before a `check`.
    ///
    /// - Throws: `PrivacyError.setting` where no noise keeps ε.
    public func siteLevel(of run: RunFile) throws -> SiteLevelSettings {
        var settings = SiteLevelSettings(
            clippingNorm: clippingNorm ?? 0, noiseMultiplier: try scale(rounds: run.updatesOfASite), noise: .server)
        settings.mechanism = mechanism ?? .gaussian
        if case .shared(let sites) = noise { settings.noise = .shared(fewestSites: sites) }
        if case .given(let weights) = run.strategy.weighting.rule { settings.weights = weights }
        settings.adaptive = adaptiveClipping
        return settings
    }

    /// Of the noise that hides a site, in multiples of what it can change.
    private func scale(rounds: Int) throws -> Double {
        if let noiseMultiplier { return noiseMultiplier }
        let (epsilon, delta) = (epsilon ?? 0, delta ?? 0)
        switch mechanism ?? .gaussian {
        case .gaussian:
            return try NoiseCalibration.noiseMultiplier(
                epsilon: epsilon, delta: delta, steps: rounds, accountant: accountant)
        case .laplace:
            return try NoiseCalibration.laplaceScale(
                epsilon: epsilon, delta: delta, steps: rounds, accountant: accountant)
        }
    }

    /// Of how many sites a sum must hold the noise; 0 where sites make none.
    var noisySites: Int {
        if unit == .site, case .shared(let sites) = noise { sites } else { 0 }
    }

    /// Adds the parts that hide whole sites.
    ///
    /// - Parameter folder: of the run at the server, where a norm that adapts is kept; nil keeps none.
    /// - Throws: `PrivacyError.setting` where the strategy would not keep the promise.
    func protect(_ strategy: inout Federation.Strategy, of run: RunFile, folder: URL?) throws {
        guard unit == .site else { return }
        let settings = try siteLevel(of: run)
        let norms = try ClippingNorms(
            first: settings.clippingNorm,
            file: settings.adaptive == nil ? nil : folder?.appending(path: "clipping_norm.json"))
        strategy.filters.insert(try SiteLevelFilter(settings, norms: norms, source: source), at: 0)
        // What is sealed is added up as it is.
        if strategy.sealing == nil, !strategy.sealsModel {
            strategy.aggregator = try SiteLevelMean(settings, norms: norms, source: source)
        }
        try settings.check(strategy)
    }

    /// In one line, for titles: what is promised, without what only a site knows.
    public var text: String {
        guard seed == nil else { return "none: the noise follows from a seed" }
        let of = unit == .site ? "whole sites" : "records, by DP-SGD"
        let amount =
            epsilon.map { "ε \($0.scalar) in all" } ?? "\(mechanism?.symbol ?? "σ") \((noiseMultiplier ?? 0).scalar)"
        return "of \(of): \(amount), δ \(delta ?? 0)"
    }
}
