import Foundation
import Learning
import Testing
import Torch

/// An attack on the very step that the trainer makes: logistic regression by DP-SGD, with a canary among the records or not.
///
/// The attacker knows all but the noise and who takes part, and reads the weight that only the canary moves. Seeds are fixed;
/// with others, a bound is wrong in one of twenty cases.
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

    /// The first weight after a training.
    private func score(_ setting: Setting, seed: UInt64, hasCanary: Bool) throws -> Double {
        // A label of ±1 is multiplied into the point. The canary's gradient is longer than the clipping norm throughout.
        let points: [[Float]] = [[0, 1, 0.5], [0, -0.5, 1]] + (hasCanary ? [[100, 0, 0]] : [])
        let data = try points.map { try Tensor($0, shape: [3]) }
        let privacy = SeededPrivacy(
            clippingNorm: 1, expectedBatch: 2, noiseMultiplier: setting.noiseMultiplier, rate: setting.rate, seed: seed)
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

    private func audit(_ setting: Setting, trials: Int) throws -> PrivacyAudit {
        // Half of what the canary adds when it takes part as often as is expected.
        let threshold = 1e-5 * setting.rate * Double(Self.steps) / 2 / 2
        return try PrivacyAudit(trials: trials, threshold: threshold) { trial, hasCanary in
            try score(setting, seed: UInt64(2 * trial + (hasCanary ? 1 : 0)), hasCanary: hasCanary)
        }
    }

    @Test(arguments: settings.indices) func theAttackStaysBelowTheAccount(index: Int) throws {
        let setting = Self.settings[index]
        let audit = try audit(setting, trials: Self.trials)
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
        let bound = try audit(setting, trials: 200).epsilon(delta: Self.delta)
        #expect(bound > 2 * epsilon, "\(bound)")
    }

    /// Values of SciPy's beta.ppf, and of dp-accounting's PLD for one Gaussian mechanism.
    @Test func boundsAreThoseOfTheLiterature() {
        #expect(abs(PrivacyAudit.upperRate(0, of: 1000, confidence: 0.95) - 0.003682) < 1e-6)
        #expect(abs(PrivacyAudit.upperRate(10, of: 100, confidence: 0.95) - 0.176223) < 1e-6)
        #expect(abs(PrivacyAudit.epsilon(mu: 1, delta: 1e-5) - 4.3772) < 1e-3)
    }
}
