import Federation
import Foundation
import Testing

import Privacy

@Suite struct SparseVectorTests {
    private func settings(_ form: SparseVector.Form) -> SparseVector.Settings {
        var settings = SparseVector.Settings()
        settings.form = form
        settings.fraction = 0.9
        settings.epsilon = 0.001
        settings.noiseVariance = 1
        settings.gamma = 1e-4
        return settings
    }

    private func filter(_ form: SparseVector.Form, seed: UInt64 = 1) throws -> SparseVector {
        try SparseVector(settings(form), randomness: .seeded(seed))
    }

    /// FLARE's arguments for BraTS on an update of 4,702,227 values: specification 2.2.
    @Test func scalesAreFLAREs() throws {
        let legacy = settings(.legacy).scales(values: 4_702_227)
        #expect(legacy.kept == 4_232_005)
        #expect(abs(legacy.epsilonQuery - 41.5) < 0.05)
        #expect(abs(legacy.threshold - 0.2) < 1e-9)
        #expect(abs(legacy.query - 40.8) < 0.05)
        #expect(legacy.release == 2e-4)
        // ε in all is split 1 : (2n)^(2/3), and scales are γ/ε₁ and 2γn/ε₂.
        let new = settings(.flare28).scales(values: 4_702_227)
        #expect(abs(new.epsilonThreshold * (1 + pow(8_464_010, 2.0 / 3.0)) - 0.001) < 1e-12)
        #expect(abs(new.epsilonThreshold + new.epsilonQuery - 0.001) < 1e-15)
        #expect(abs(new.query / (2 * 1e-4 * 4_232_005 / new.epsilonQuery) - 1) < 1e-12)
        #expect(abs(new.release - 2e-4) < 1e-16)
        #expect(new.epsilonRelease == 4_232_005)
    }

    /// Drawing n of the accepted with replacement leaves 1 − (1 − 1/a)ⁿ of them.
    @Test(arguments: SparseVector.Form.allCases)
    func shareOfValuesSentIsThatOfDrawingWithReplacement(_ form: SparseVector.Form) async throws {
        let count = 100_000
        let update = normalUpdate(["a": [count]], deviation: 2e-5)
        let sent = try await filter(form).atSite(update, siteA).floats()
        let share = Double(sent.filter { $0 != 0 }.count) / Double(count)
        // The noise is so large that every pass accepts a half: after four, 15/16 are, of which 0.9 are drawn.
        let expected = 15.0 / 16 * (1 - exp(-0.9 * 16 / 15))
        #expect(abs(share - expected) < 0.01, "\(share)")
    }

    /// Half of the values are γ and half are 0; with next to no noise on the threshold at γ, the choice's own noise of scale γ
    /// accepts 1/2 of the first and 1/(2e) of the second.
    @Test(arguments: [true, false])
    func theChoiceFollowsTheSizes(replace: Bool) async throws {
        let count = 200_000
        var settings = SparseVector.Settings()
        (settings.gamma, settings.tau, settings.fraction, settings.replace) = (1, 1, 0.1, replace)
        (settings.epsilonThreshold, settings.epsilonQuery) = (1e7, 2 * 0.1 * Double(count))
        settings.epsilon = 1e7 + 0.2 * Double(count)
        let values = (0..<count).map { Float($0 % 2) }
        let update = ModelUpdate(
            .difference, Weights([Weights.Tensor("a", values, shape: [count])]), examples: 1, steps: 1)
        let sent = try await SparseVector(settings, randomness: .seeded(8)).atSite(update, siteA).floats()
        let chosen = sent.indices.filter { sent[$0] != 0 }
        let ones = chosen.filter { $0 % 2 == 1 }.count
        let share = Double(ones) / Double(chosen.count)
        let expected: Double = 1 / (1 + exp(-1.0))
        #expect(isNear(share, expected, of: chosen.count), "\(share)")
    }

    @Test func withoutReplacementExactlyTheFractionIsSent() async throws {
        var settings = settings(.flare28)
        settings.replace = false
        let update = normalUpdate(["a": [1000], "b": [20, 50]], deviation: 2e-5)
        let sent = try await SparseVector(settings).atSite(update, siteA).floats()
        #expect(sent.filter { $0 != 0 }.count == 1800)
    }

    /// The noise of what is sent, by its distribution: 10⁻⁹ is the chance that a sound sampler fails.
    @Test func releaseNoiseIsLaplace() async throws {
        var settings = settings(.flare28)
        settings.replace = false
        settings.fraction = 1
        settings.noiseVariance = 0.5
        let count = 100_000
        let update = ModelUpdate(
            .difference, Weights([Weights.Tensor("a", [Float](repeating: 3e-4, count: count), shape: [count])]),
            examples: 1, steps: 3)
        let sent = try await SparseVector(settings, randomness: .seeded(5)).atSite(update, siteA).floats()
        // x / 3 is clipped to 1e-4, gets noise of scale 2·1e-4 / 0.5, and is multiplied by 3.
        let noise = sent.map { (Double($0) / 3 - 1e-4) / 4e-4 }.sorted()
        func distribution(_ x: Double) -> Double { x < 0 ? exp(x) / 2 : 1 - exp(-x) / 2 }
        var distance = 0.0
        for (index, value) in noise.enumerated() {
            let (low, high) = (Double(index) / Double(count), Double(index + 1) / Double(count))
            distance = max(distance, max(abs(distribution(value) - low), abs(distribution(value) - high)))
        }
        // Dvoretzky, Kiefer, Wolfowitz and Massart: P(distance > t) ≤ 2·exp(−2nt²).
        #expect(distance < (log(2 / 1e-9) / (2 * Double(count))).squareRoot())
    }

    /// Legacy: noise on the value as it is, then the clip. A large value always ends at γ times the steps.
    @Test func legacyClipsAfterTheNoise() async throws {
        let values: [Float] = [1, -1, 1, -1]
        let update = ModelUpdate(
            .difference, Weights([Weights.Tensor("a", values, shape: [2, 2])]), examples: 1, steps: 7)
        var settings = settings(.legacy)
        settings.fraction = 1
        settings.replace = false
        let sent = try await SparseVector(settings).atSite(update, siteA).floats()
        #expect(sent == [7e-4, -7e-4, 7e-4, -7e-4])
        // The later form clips first, so that the noise goes beyond.
        settings.form = .flare28
        let many = ModelUpdate(
            .difference, Weights([Weights.Tensor("a", [Float](repeating: 1, count: 100), shape: [100])]), examples: 1,
            steps: 1)
        #expect(try await SparseVector(settings).atSite(many, siteA).floats().contains { $0 > 1e-4 })
    }

    /// With next to no noise the largest values are chosen, and arrive as they are.
    @Test func withoutNoiseTheLargestAreChosen() async throws {
        var settings = SparseVector.Settings()
        settings.fraction = 0.25
        settings.epsilon = 1e12
        settings.noiseVariance = 1e12
        settings.gamma = 1
        settings.tau = 0.5
        settings.replace = false
        let values: [Float] = [0.1, -0.9, 0.2, 0.3, 0.7, 0, -0.3, 0.4]
        let update = ModelUpdate(
            .difference, Weights([Weights.Tensor("a", values.map { $0 * 4 }, shape: [8])]), examples: 1, steps: 4)
        for form in SparseVector.Form.allCases {
            settings.form = form
            let sent = try await SparseVector(settings).atSite(update, siteA).floats()
            #expect(zip(sent, [0, -3.6, 0, 0, 2.8, 0, 0, 0] as [Float]).allSatisfy { abs($0 - $1) < 1e-5 }, "\(sent)")
        }
    }

    @Test func scalarsAreSentAsTheyAre() async throws {
        let update = normalUpdate(["a": [40]], deviation: 1e-5, counter: true)
        let sent = try await filter(.flare28).atSite(update, siteA).tensors.weights()
        #expect(sent["norm.num_batches_tracked"]?.bytes.loadUnaligned(as: Int64.self) == 17)
        #expect(sent.names == ["a", "norm.num_batches_tracked"])
    }

    @Test func seedsSayThatTheyClaimNothing() async throws {
        let update = normalUpdate(["a": [500]], deviation: 1e-5)
        let seeded = try filter(.flare28, seed: 3)
        #expect(!seeded.randomness.claimsPrivacy)
        #expect(try await seeded.atSite(update, siteA).floats() == seeded.atSite(update, siteA).floats())
        let other = FilterContext(round: 2, site: "site_a")
        #expect(try await seeded.atSite(update, siteA).floats() != seeded.atSite(update, other).floats())
        let secure = try SparseVector(settings(.flare28))
        #expect(secure.randomness.claimsPrivacy)
        #expect(try await secure.atSite(update, siteA).floats() != secure.atSite(update, siteA).floats())
        let statement = try seeded.privacyStatement(values: 100, rounds: 2)
        #expect(statement.epsilon == nil && statement.description.contains("no privacy claim"))
    }

    @Test func statementsSayWhatHolds() throws {
        let legacy = try SparseVector(settings(.legacy)).privacyStatement(values: 4_702_227, rounds: 600)
        #expect(legacy.epsilon == nil && legacy.epsilonPerRound == nil)
        #expect(abs(legacy.bookedPerRound! - 4_232_005.001) < 1e-3)
        #expect(legacy.description.contains("gives no differential privacy"))
        #expect(legacy.description.contains("4.232e+6 a round and 2.539e+9 in 600 rounds"))
        #expect(legacy.description.contains("not a patient-level guarantee"))

        // The class's defaults: ε 47,022 as FLARE books them. All may be accepted, ten times what the choice is booked for.
        let new = try SparseVector().privacyStatement(values: 4_702_227, rounds: 10)
        #expect(abs(new.bookedPerRound! - 47022.4) < 0.1)
        #expect(new.epsilonPerRound! > 47022.3 + 0.99 && new.epsilonPerRound! < 47022.3 + 1.01)
        #expect(new.epsilon == 10 * new.epsilonPerRound!)
        #expect(new.description.contains("not a patient-level guarantee"))
    }

    @Test func whatItCannotReadIsRefused() async throws {
        let filter = try filter(.flare28)
        func refuses(_ tensors: [Weights.Tensor], _ content: ModelUpdate.Content = .difference, steps: Int = 1) async {
            await #expect(throws: PrivacyError.self) {
                try await filter.atSite(
                    ModelUpdate(content, Weights(tensors), examples: 1, steps: steps), siteA)
            }
        }
        let good = Weights.Tensor("a", [1, 2], shape: [2])
        await refuses([good], .weights)
        await refuses([good], steps: 0)
        await refuses([Weights.Tensor("a", [1, .nan], shape: [2])])
        await refuses([good, byteTensor("mask", [1, 2])])
        var settings = settings(.flare28)
        settings.tau = 1e6  // out of reach
        settings.epsilon = 1e9
        let hopeless = try SparseVector(settings, randomness: .seeded(1))
        await #expect(throws: PrivacyError.self) {
            try await hopeless.atSite(ModelUpdate(.difference, Weights([good]), examples: 1, steps: 1), siteA)
        }
    }

    @Test func settingsAreChecked() {
        func refuses(_ change: (inout SparseVector.Settings) -> Void) {
            var settings = SparseVector.Settings()
            change(&settings)
            #expect(throws: PrivacyError.self) { try SparseVector(settings) }
        }
        refuses { $0.fraction = 0 }
        refuses { $0.fraction = 1.1 }
        refuses { $0.epsilon = -1 }
        refuses { $0.noiseVariance = 0 }
        refuses { $0.gamma = .nan }
        refuses { $0.tau = .infinity }
        refuses { ($0.form, $0.epsilonRelease) = (.legacy, 1) }
        refuses { $0.epsilonThreshold = 0.2 }
        refuses { ($0.epsilonThreshold, $0.epsilonQuery) = (0.04, 0.05) }
    }
}
