import Privacy
import Testing

@Suite struct CalibrationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var epsilon: Double
        var delta = 1e-5
        var rate = 1.0
        var steps: Int
        var sigma: Double
        var testDescription: String { "ε \(epsilon), δ \(delta), q \(rate), \(steps) steps" }
    }

    /// By Rényi divergences, to the three digits that are given.
    static let cases = [
        Case(epsilon: 8, steps: 50, sigma: 4.51), Case(epsilon: 1, steps: 50, sigma: 28.6),
        Case(epsilon: 8, steps: 80, sigma: 5.70), Case(epsilon: 8, steps: 100, sigma: 6.38),
        Case(epsilon: 10, steps: 100, sigma: 5.30), Case(epsilon: 8, steps: 600, sigma: 15.6),
        Case(epsilon: 1, steps: 600, sigma: 99.1),
        Case(epsilon: 8, rate: 0.0032, steps: 78_125, sigma: 0.852),
        Case(epsilon: 3, rate: 0.0032, steps: 78_125, sigma: 1.51),
        Case(epsilon: 1, rate: 0.0032, steps: 78_125, sigma: 3.69),
        Case(epsilon: 8, rate: 0.0512, steps: 5_000, sigma: 2.43),
        Case(epsilon: 10, rate: 0.01, steps: 30_000, sigma: 1.14),
        Case(epsilon: 8, rate: 0.01, steps: 30_000, sigma: 1.30),
        Case(epsilon: 3, rate: 0.01, steps: 30_000, sigma: 2.69),
        Case(epsilon: 10, delta: 1e-3, rate: 0.16, steps: 1_875, sigma: 3.16),
        Case(epsilon: 8, delta: 1e-3, rate: 1 / 60, steps: 36_000, sigma: 1.79),
        Case(epsilon: 1, delta: 1e-3, rate: 1 / 60, steps: 36_000, sigma: 9.21),
        Case(epsilon: 8, delta: 1e-3, rate: 16 / 60, steps: 2_250, sigma: 6.65),
        Case(epsilon: 8, delta: 1e-3, steps: 600, sigma: 12.7),
    ]

    @Test(arguments: cases) func renyi(_ vector: Case) throws {
        let sigma = try NoiseCalibration.noiseMultiplier(
            epsilon: vector.epsilon, delta: vector.delta, rate: vector.rate, steps: vector.steps)
        #expect(abs(sigma / vector.sigma - 1) < 5e-3, "\(sigma)")
        let events = [
            try PrivacyEvent.sampledGaussian(rate: vector.rate, noiseMultiplier: sigma).composed(vector.steps)
        ]
        #expect(RenyiAccountant(events).epsilon(at: vector.delta) <= vector.epsilon)
        #expect(RenyiAccountant(events).epsilon(at: vector.delta) > 0.999 * vector.epsilon)
    }

    @Test(arguments: [(8.0, 0.824), (3, 1.42), (1, 3.42)]) func lossDistribution(_ epsilon: Double, _ expected: Double)
        throws
    {
        let sigma = try NoiseCalibration.noiseMultiplier(
            epsilon: epsilon, delta: 1e-5, rate: 0.0032, steps: 78_125, accountant: .lossDistribution)
        #expect(abs(sigma / expected - 1) < 5e-3, "\(sigma)")
    }

    @Test func analyticGaussian() throws {
        // A release at σ 1 of the accountants' vectors, exactly, and back.
        let epsilon = try AnalyticGaussian.epsilon(noiseMultiplier: 1, delta: 1e-5)
        #expect(abs(epsilon - 4.377178) < 1e-5)
        let sigma = try AnalyticGaussian.noiseMultiplier(epsilon: epsilon, delta: 1e-5)
        #expect(abs(sigma - 1) < 1e-9)
        // The classic σ = √(2 ln(1.25/δ))/ε promises too much at large ε: it keeps 10.39, and not 10.
        #expect(abs(try AnalyticGaussian.epsilon(noiseMultiplier: 0.4845, delta: 1e-5) - 10.39) < 0.01)
        #expect(AnalyticGaussian.delta(noiseMultiplier: 1, epsilon: epsilon) <= 1e-5)
    }

    @Test func budgetsThatMakeNoSenseAreRefused() {
        for (epsilon, delta, rate, steps) in [
            (0, 1e-5, 1.0, 1), (-1, 1e-5, 1, 1), (Double.nan, 1e-5, 1, 1), (1, 0, 1, 1), (1, 1, 1, 1), (1, 1e-5, 0, 1),
            (1, 1e-5, 2, 1), (1, 1e-5, 1, 0), (1e-12, 1e-30, 1, 1 << 40),
        ] {
            #expect(throws: PrivacyError.self) {
                try NoiseCalibration.noiseMultiplier(epsilon: epsilon, delta: delta, rate: rate, steps: steps)
            }
        }
    }
}
