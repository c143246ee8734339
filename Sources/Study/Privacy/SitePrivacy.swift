import Federation
import NNUNet
import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The privacy of one run at one site: what the run promises, held against the site's ledger and its policy.
struct SitePrivacy: Sendable {
    private let promise: RunFile.DifferentialPrivacy?
    private let run: RunFile
    /// The run's in the ledger.
    private let name: String
    private let ledger: PrivacyLedger
    /// Over all runs.
    private let cap: PrivacyBudget
    private let policy: PrivacyPolicy?
    private let dataset: String

    /// - Parameters:
    ///   - ledgers: the folder of the site's ledgers, one for each dataset.
    /// - Returns: nil where the run promises nothing, the policy asks for nothing and no run before did: then nothing is booked.
    /// - Throws: `PrivacyError` where the ledger cannot be read.
    init?(of run: RunFile, called name: String, dataset: String, policy: PrivacyPolicy?, ledgers: URL) throws {
        promise = run.privacy.differentialPrivacy
        let folder = ledgers.appending(path: dataset)
        guard promise != nil || policy != nil || PrivacyLedger.exists(in: folder) else { return nil }
        self.run = run
        self.name = name
        self.policy = policy
        self.dataset = dataset
        cap =
            try policy?.cap(of: dataset)
            ?? PrivacyBudget(epsilon: .infinity, delta: promise?.delta ?? 1e-5)
        ledger = try PrivacyLedger(
            folder: folder, accountant: policy?.accountant ?? .renyi,
            leave: run.plainReleases.intersection(policy?.plainReleases ?? PlainRelease.allCases))
    }

    /// What this run's bookings must keep. With a noise multiplier the run's promise is what its plan comes to.
    private func limits(_ cost: PrivacyCost) throws -> PrivacyLimits {
        var budgets = [
            try PrivacyBudget(epsilon: promise?.epsilon ?? cost.epsilon(at: cost.delta), delta: cost.delta)
        ]
        if let most = try policy?.most(for: cost, of: dataset) { budgets.append(most) }
        return PrivacyLimits(cap: cap, ofRun: budgets, accountant: cost.accountant)
    }

    /// Whether the server is told how many cases there are.
    var tellsCounts: Bool { promise?.releases.contains(.counts) ?? true }

    private var tellsMetrics: Bool { promise?.releases.contains(.metrics) ?? true }

    /// Sets the site up for what the run promises.
    ///
    /// - Throws: `PrivacyError.setting`, `NNUNetError` where that cannot be kept with the site's data.
    func prepare(_ site: inout StudySite) throws {
        // One for all: sites count as was agreed on, whatever they have.
        site.statedExamples = tellsCounts ? nil : 1
        guard let promise, promise.unit == .record else { return }
        let patients = try promise.patients.map {
            // One column, however a run writes its name.
            PatientGroups(column: $0.asKey.lowercased(), patientOfCase: try site.recordOfCase(column: $0))
        }
        let privacy = try RecordLevelPrivacy(
            promise.recordLevel(of: run), records: try site.recordCount(patients?.patientOfCase ?? [:]),
            patients: patients, run: name, ledger: ledger, limits: try limits(cost(promise, at: site)),
            source: promise.source)
        site.records = StudySite.RecordTraining(
            privacy: privacy, recordOfCase: patients?.patientOfCase ?? [:],
            patchesPerRecord: promise.patchesPerRecord ?? 1,
            tellsLoss: tellsMetrics)
    }

    /// A learner all of whose releases are booked before they happen.
    func accounted(_ learner: any Learner, at site: StudySite) throws -> any Learner {
        var plain = AccountedLearner.Plain(sendsMetrics: tellsMetrics, statedExamples: tellsCounts ? nil : 1)
        plain.releasesModel = promise == nil
        guard let promise, promise.unit == .site else {
            return AccountedLearner(learner, ledger: ledger, run: name, plain: plain)
        }
        return AccountedLearner(
            learner, ledger: ledger, run: name, siteLevel: try promise.siteLevel(of: run).events,
            limits: try limits(cost(promise, at: site)), source: promise.source, plain: plain)
    }

    /// What this run will cost here; nil where it promises nothing.
    func cost(at site: StudySite) throws -> PrivacyCost? {
        try promise.map { try cost($0, at: site) }
    }

    private func cost(_ promise: RunFile.DifferentialPrivacy, at site: StudySite) throws -> PrivacyCost {
        if promise.unit == .site {
            let settings = try promise.siteLevel(of: run)
            return PrivacyCost(
                unit: .site, noiseMultiplier: settings.noiseMultiplier, mechanism: settings.mechanism,
                events: try settings.events.map { try $0.composed(run.updatesOfASite) }, accountant: promise.accountant,
                delta: promise.delta ?? 0, source: promise.source)
        }
        let settings = promise.recordLevel(of: run)
        let patients = try promise.patients.map { try site.recordOfCase(column: $0) } ?? [:]
        let records = try site.recordCount(patients)
        let sigma = try settings.noiseMultiplier(records: records)
        return PrivacyCost(
            unit: .record, noiseMultiplier: sigma,
            events: [
                try PrivacyEvent.sampledGaussian(rate: settings.rate(records: records), noiseMultiplier: sigma)
                    .composed(settings.steps)
            ], accountant: promise.accountant, delta: settings.delta, source: promise.source)
    }
}

/// What a whole run costs at one site.
struct PrivacyCost: Sendable {
    var unit: PrivacyUnit
    var noiseMultiplier: Double
    var mechanism = SiteLevelSettings.Mechanism.gaussian
    var events: [PrivacyEvent]
    var accountant: Accountant
    var delta: Double
    var source: NoiseSource

    func epsilon(at delta: Double) -> Double { accountant.epsilon(of: events, at: delta) }

    /// The least noise of all that is released, such as that of the bits by which a clipping norm adapts.
    var leastNoise: Double { events.map(\.mechanism.noise).min() ?? 0 }

    /// In one line, for the site's own people: it follows from how many records there are.
    var text: String {
        guard source.claimsPrivacy else { return NoiseSource.noPrivacyClaim }
        let epsilon = (epsilon(at: delta) * 1000).rounded() / 1000
        let sigma = (noiseMultiplier * 1000).rounded() / 1000
        return
            "privacy of \(unit == .site ? "the site as a whole" : "each record"): ε \(epsilon) at δ \(delta) in all, \(mechanism.symbol) \(sigma)"
    }
}

extension PrivacyEvent.Mechanism {
    /// In multiples of what one record, or one site, can change.
    fileprivate var noise: Double {
        switch self {
        case .gaussian(let scale), .sampledGaussian(_, let scale), .laplace(let scale): scale
        }
    }
}

extension StudySite {
    /// - Parameter recordOfCase: empty where each case is a record.
    func recordCount(_ recordOfCase: [String: String]) throws -> Int {
        recordOfCase.isEmpty ? try trainingCases.count : Set(recordOfCase.values).count
    }
}
