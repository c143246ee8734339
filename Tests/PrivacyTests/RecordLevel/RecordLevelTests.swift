import FederationTesting
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct RecordLevelTests {
    private let temporary = try! TemporaryFolder()
    private let cases = (0..<60).map { "case_\($0)" }

    private func settings(_ noise: RecordLevelSettings.Noise = .epsilon(8), steps: Int = 36_000) -> RecordLevelSettings
    {
        RecordLevelSettings(clippingNorm: 0.5, expectedBatch: 6, noise: noise, delta: 1e-3, steps: steps)
    }

    private func privacy(
        _ settings: RecordLevelSettings, cap: Double = 8, source: NoiseSource = .secure, leave: Set<PlainRelease> = []
    ) throws -> RecordLevelPrivacy {
        try RecordLevelPrivacy(
            settings, records: 60, run: "a", ledger: try PrivacyLedger(folder: temporary.url, leave: leave),
            limits: PrivacyLimits(cap: try PrivacyBudget(epsilon: cap, delta: 1e-3)), source: source)
    }

    @Test func theWholePlanKeepsTheCapAndNotOneRoundMore() async throws {
        let privacy = try privacy(settings(steps: 200))
        for round in 1...10 { try await privacy.book(steps: 20, round: round, records: cases) }
        await #expect(throws: PrivacyError.self) { try await privacy.book(steps: 20, round: 11, records: cases) }
        let spent = try await PrivacyLedger(folder: temporary.url).epsilon(of: .record, at: 1e-3)
        #expect(spent <= 8 && spent > 7.99)
    }

    @Test func patientsAreBookedWithAllTheirCases() async throws {
        let groups = PatientGroups(
            column: "patient",
            patientOfCase: Dictionary(uniqueKeysWithValues: (0..<60).map { ("case_\($0)", "P\($0 % 12)") }))
        func privacy(_ folder: String) throws -> RecordLevelPrivacy {
            try RecordLevelPrivacy(
                settings(steps: 200), records: 12, patients: groups, run: "a",
                ledger: try PrivacyLedger(folder: temporary.url.appending(path: folder)),
                limits: PrivacyLimits(cap: try PrivacyBudget(epsilon: 8, delta: 1e-3)))
        }
        let names = (0..<12).map { "P\($0)" }
        try await privacy("a").book(steps: 200, round: 1, records: names)
        // The same cases, each by itself: their accounts are full.
        let ledger = try PrivacyLedger(folder: temporary.url.appending(path: "a"))
        await #expect(throws: PrivacyError.self) {
            try await ledger.book(
                [try .gaussian(4)], on: ["case_7"], run: "b", round: 1,
                within: PrivacyLimits(cap: try PrivacyBudget(epsilon: 8, delta: 1e-3)))
        }
        // Other patients than the noise was planned for.
        await #expect(throws: PrivacyError.self) {
            try await privacy("b").book(steps: 200, round: 1, records: names.map { "X" + $0 })
        }
    }

    @Test func recordsTakePartByChanceEachByItself() async throws {
        let privacy = try privacy(settings(.multiplier(20)), cap: 100, source: .seeded(1), leave: [.seededNoise])
        let steps = 20_000
        try await privacy.book(steps: steps, round: 1, records: cases)
        var counts = [Int](repeating: 0, count: 60)
        var sizes: [Int] = []
        var pairs = 0
        for _ in 0..<steps {
            let sample = privacy.sample(of: 60)
            #expect(sample == sample.sorted() && Set(sample).count == sample.count)
            for record in sample { counts[record] += 1 }
            sizes.append(sample.count)
            if sample.contains(3), sample.contains(4) { pairs += 1 }
        }
        // Each bound is exceeded with a probability below 10⁻⁹: 6.2 standard deviations, 6.8 for one of sixty.
        let n = Double(steps)
        for count in counts { #expect(abs(Double(count) - 0.1 * n) < 6.8 * (0.09 * n).squareRoot()) }
        #expect(abs(Double(pairs) - 0.01 * n) < 6.2 * (0.0099 * n).squareRoot())
        let mean = Double(sizes.reduce(0, +)) / n
        #expect(abs(mean - 6) < 6.2 * (5.4 / n).squareRoot())
        let variance = sizes.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / n
        #expect(abs(variance - 5.4) < 6.2 * (2.1 * 5.4 * 5.4 / n).squareRoot())
        // 0.9⁶⁰ = 0.0018 of the batches are empty: none of 20,000 is with a probability below 10⁻¹⁵.
        #expect(sizes.contains(0))
    }

    @Test func aStepThatWasNotBookedHasNoRecord() async throws {
        let privacy = try privacy(
            RecordLevelSettings(expectedBatch: 60, noise: .multiplier(20), delta: 1e-3, steps: 2), cap: 100)
        #expect(privacy.sample(of: 60).isEmpty)
        try await privacy.book(steps: 2, round: 1, records: cases)
        #expect(privacy.sample(of: 60).count == 60)
        #expect(privacy.sample(of: 59).isEmpty)
        #expect(privacy.sample(of: 60).count == 60)
        #expect(privacy.sample(of: 60).isEmpty)
        // What a broken round left over is not trained in the next.
        try await privacy.book(steps: 2, round: 2, records: cases)
        try await privacy.book(steps: 1, round: 2, records: cases)
        #expect(privacy.sample(of: 60).count == 60 && privacy.sample(of: 60).isEmpty)
    }

    @Test func theNoiseIsThatOfTheMultiplier() async throws {
        let privacy = try privacy(settings(.multiplier(3)), cap: 1000, source: .seeded(2), leave: [.seededNoise])
        var values = [Float](repeating: 0, count: 400_000)
        values.withUnsafeMutableBufferPointer { privacy.addNoise(to: $0) }
        let n = Double(values.count)
        let mean = values.reduce(0.0) { $0 + Double($1) } / n
        let variance = values.reduce(0.0) { $0 + Double($1) * Double($1) } / n
        #expect(abs(mean) < 6.2 * 1.5 / n.squareRoot())
        #expect(abs(variance / 2.25 - 1) < 6.2 * (2 / n).squareRoot())
        // Again it is other noise.
        let first = values
        values.withUnsafeMutableBufferPointer { privacy.addNoise(to: $0) }
        #expect(zip(values, first).allSatisfy { $0 != 2 * $1 })
    }

    @Test func recordsMustBeThoseOfThePlan() async throws {
        let privacy = try privacy(settings(), cap: 100)
        for records in [Array(cases.dropLast()), cases + ["x"], Array(cases.dropLast()) + ["case_0"], []] {
            await #expect(throws: PrivacyError.self) { try await privacy.book(steps: 1, round: 1, records: records) }
        }
        await #expect(throws: PrivacyError.self) { try await privacy.book(steps: 0, round: 1, records: cases) }
        #expect(privacy.sample(of: 60).isEmpty)
        #expect("\(try await PrivacyLedger(folder: temporary.url).summary(delta: 1e-3))".hasPrefix("Nothing"))
    }

    @Test func seededNoiseNeedsLeaveAndClaimsNothing() async throws {
        let strict = try privacy(settings(), source: .seeded(1))
        await #expect(throws: PrivacyError.self) { try await strict.book(steps: 1, round: 1, records: cases) }
        #expect(strict.sample(of: 60).isEmpty)
        let allowed = try privacy(settings(), source: .seeded(1), leave: [.seededNoise])
        try await allowed.book(steps: 1, round: 1, records: cases)
        #expect(
            "\(try await PrivacyLedger(folder: temporary.url).summary(delta: 1e-3))".contains("seeded-noise, 1 times"))
    }

    @Test func settingsThatMakeNoSenseAreRefused() {
        let good = settings()
        var bad: [RecordLevelSettings] = []
        for change: (inout RecordLevelSettings) -> Void in [
            { $0.clippingNorm = 0 }, { $0.clippingNorm = .infinity }, { $0.expectedBatch = 0 },
            { $0.expectedBatch = 61 }, { $0.noise = .multiplier(0) }, { $0.noise = .epsilon(0) }, { $0.delta = 0 },
            { $0.delta = 0.02 }, { $0.steps = 0 },
        ] {
            var settings = good
            change(&settings)
            bad.append(settings)
        }
        for settings in bad { #expect(throws: PrivacyError.self) { try settings.noiseMultiplier(records: 60) } }
        #expect(throws: PrivacyError.self) { try good.noiseMultiplier(records: 0) }
    }

    @Test func plansSayWhatARunCosts() throws {
        // 60 records, one at a time, 36,000 steps in 100 rounds of a network of 4.7 million values.
        let settings = RecordLevelSettings(expectedBatch: 1, noise: .epsilon(8), delta: 1e-3, steps: 36_000)
        let plan = try PrivacyPlan(settings, records: 60, rounds: 100, parameters: 4_700_000)
        #expect(abs(plan.noiseMultiplier / 1.79 - 1) < 5e-3)
        #expect(plan.epsilon <= 8 && plan.epsilon > 7.99)
        #expect(plan.epsilonOfOneRound < plan.epsilon && plan.epsilonOfOneRound > 0.1)
        #expect(abs(plan.noiseToSignal / (plan.noiseMultiplier * 2167.95) - 1) < 1e-4)
        let text = "\(plan)"
        for part in [
            "unit of privacy: record", "ε of one round: ", "ε in all: ", "at least 3874, ", "It does not protect",
        ] {
            #expect(text.contains(part), "\(text)")
        }
        // So many steps are told, and no sum of them overflows.
        var endless = settings
        endless.steps = .max
        endless.noise = .multiplier(2)
        #expect(throws: PrivacyError.self) { try PrivacyPlan(endless, records: 60, rounds: 100, parameters: 10) }
        let seeded = try PrivacyPlan(settings, records: 60, rounds: 100, parameters: 10, source: .seeded(1))
        #expect("\(seeded)".contains("NO PRIVACY CLAIM") && !"\(seeded)".contains("ε"))
    }
}
