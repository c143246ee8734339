import Federation
import Foundation
import Learning
import Privacy
import Testing
import Torch

/// An attack on the very step that the trainer makes: logistic regression by DP-SGD, with a canary among the records or not.
///
/// Sampling, noise and account are those of a site: `RecordLevelPrivacy` with its ledger. The attacker knows all but the noise and
/// who takes part, and reads the weight that only the canary moves. Seeds are fixed; with others, a bound is wrong in one of
/// twenty cases.
@Suite struct PrivacyAuditTests {
    private static let steps = 4
    private static let delta = 1e-5
    /// Of each kind; more make the bound tighter.
    private static let trials = ProcessInfo.processInfo.environment["COHORT_AUDIT_TRIALS"].flatMap(Int.init) ?? 1000

    struct Setting: Sendable {
        var rate: Double
        var noiseMultiplier: Double
        /// What the account says.
        var epsilon: Double
    }

    private static let settings = [
        // Every record in every step: a Gaussian mechanism with μ = √4 / σ, by the formula of `PrivacyAudit`.
        Setting(rate: 1, noiseMultiplier: 7.46126, epsilon: 1),
        // Half of the records: dp-accounting 0.6.0, PLDAccountant, PoissonSampledDpEvent(0.5, GaussianDpEvent(σ)), 4 steps.
        Setting(rate: 0.5, noiseMultiplier: 4.14, epsilon: 1.00052),
    ]

    private static let records = ["a", "b", "canary"]

    /// The first weight after a training.
    private func score(_ privacy: any GradientPrivacy, hasCanary: Bool) throws -> Double {
        // A label of ±1 is multiplied into the point. The canary's gradient is longer than the clipping norm throughout; one
        // that is not there leaves a record without a gradient, so that both trainings are planned alike.
        let points: [[Float]] = [[0, 1, 0.5], [0, -0.5, 1], [hasCanary ? 100 : 0, 0, 0]]
        let data = try points.map { try Tensor($0, shape: [3]) }
        let weight = try Tensor.zeros([3]).requireGrad()
        let optimizer = SGD([weight], learningRate: 1e-5, momentum: 0, weightDecay: 0, nesterov: false)
        let step = try DPSGDStep([weight], privacy: privacy)
        for _ in 0..<Self.steps {
            _ = try step.gradient(records: data.count) { record in
                try call("aten::softplus", "", .tensor((weight * data[record]).sum().negated()))
            }
            try optimizer.step()
        }
        return Double(try weight.array(Float.self)[0])
    }

    private func audit(
        _ setting: Setting, trials: Int, _ privacy: (_ seed: UInt64) throws -> any GradientPrivacy
    ) throws -> PrivacyAudit {
        // Half of what the canary adds when it takes part as often as is expected.
        let expected = 1e-5 * setting.rate * Double(Self.steps) / (setting.rate * Double(Self.records.count))
        return try PrivacyAudit(trials: trials, threshold: expected / 2) { trial, hasCanary in
            try score(privacy(UInt64(2 * trial + (hasCanary ? 1 : 0))), hasCanary: hasCanary)
        }
    }

    /// As a site has it.
    private func shipped(_ setting: Setting, _ ledger: PrivacyLedger, source: NoiseSource) throws -> RecordLevelPrivacy
    {
        let settings = RecordLevelSettings(
            expectedBatch: setting.rate * Double(Self.records.count), noise: .multiplier(setting.noiseMultiplier),
            delta: Self.delta, steps: Self.steps)
        return try RecordLevelPrivacy(
            settings, records: Self.records.count, run: "audit", ledger: ledger,
            limits: PrivacyLimits(cap: try PrivacyBudget(epsilon: .infinity, delta: Self.delta)), source: source)
    }

    @Test(arguments: settings.indices) func theAttackStaysBelowTheAccount(index: Int) async throws {
        let setting = Self.settings[index]
        let folder = FileManager.default.temporaryDirectory.appending(path: "cohort-audit-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        // The ledger says of a training what the literature does.
        let ledger = try PrivacyLedger(folder: folder, accountant: .lossDistribution, leave: [.seededNoise])
        try await shipped(setting, ledger, source: .secure).book(steps: Self.steps, round: 1, records: Self.records)
        #expect(abs(try await ledger.epsilon(of: .record, at: Self.delta) - setting.epsilon) < 2e-3)

        // Of one privacy, so that each trial has its own part of one stream.
        let privacy = try shipped(setting, ledger, source: .seeded(1))
        try await privacy.book(steps: 2 * Self.trials * Self.steps, round: 2, records: Self.records)
        let audit = try audit(setting, trials: Self.trials) { _ in privacy }
        let bound = audit.epsilon(delta: Self.delta)
        #expect(bound <= setting.epsilon, "\(audit) \(bound)")
        if Self.trials > 1000 { print("audit of ε = \(setting.epsilon), rate \(setting.rate): at least \(bound)") }
        guard setting.rate == 1 else { return }
        let own = PrivacyAudit.epsilon(mu: Double(Self.steps).squareRoot() / setting.noiseMultiplier, delta: Self.delta)
        #expect(abs(own - setting.epsilon) < 1e-3)
        let gaussian = audit.gaussianEpsilon(delta: Self.delta)
        #expect(gaussian > 0 && gaussian <= setting.epsilon, "\(audit) \(gaussian)")
        if Self.trials > 1000 { print("audit of a Gaussian mechanism: at least \(gaussian)") }
    }

    @Test(arguments: settings.indices) func withoutNoiseTheAttackRisesAboveIt(index: Int) throws {
        var setting = Self.settings[index]
        let epsilon = setting.epsilon
        setting.noiseMultiplier = 0
        let audit = try audit(setting, trials: 200) { seed in
            SeededPrivacy(
                clippingNorm: 1, expectedBatch: setting.rate * Double(Self.records.count), rate: setting.rate,
                seed: seed)
        }
        let bound = audit.epsilon(delta: Self.delta)
        #expect(bound > 2 * epsilon, "\(bound)")
    }

    /// Values of SciPy's beta.ppf, and of dp-accounting's PLD for one Gaussian mechanism.
    @Test func boundsAreThoseOfTheLiterature() {
        #expect(abs(PrivacyAudit.upperRate(0, of: 1000, confidence: 0.95) - 0.003682) < 1e-6)
        #expect(abs(PrivacyAudit.upperRate(10, of: 100, confidence: 0.95) - 0.176223) < 1e-6)
        #expect(abs(PrivacyAudit.epsilon(mu: 1, delta: 1e-5) - 4.3772) < 1e-3)
    }
}
