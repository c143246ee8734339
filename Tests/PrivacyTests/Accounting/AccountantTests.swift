import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

import Privacy

/// Against values of Google's dp-accounting 0.6.0, add-or-remove neighbours.
@Suite struct AccountantTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var rate: Double
        var sigma: Double
        var steps: Int
        var delta: Double
        var renyi: Double
        var order: Double
        var pld: Double
        var testDescription: String { "q \(rate), σ \(sigma), \(steps) steps" }

        var event: PrivacyEvent {
            get throws { try .sampledGaussian(rate: rate, noiseMultiplier: sigma).composed(steps) }
        }
    }

    static let cases = [
        Case(rate: 1, sigma: 1, steps: 1, delta: 1e-5, renyi: 4.7285, order: 5.4, pld: 4.3772),
        Case(rate: 1, sigma: 4, steps: 50, delta: 1e-5, renyi: 9.2350, order: 3.6, pld: 8.5959),
        Case(rate: 1, sigma: 6.38, steps: 100, delta: 1e-5, renyi: 7.9950, order: 3.9, pld: 7.4329),
        Case(rate: 0.01, sigma: 1.1, steps: 10_000, delta: 1e-5, renyi: 5.6320, order: 4.7, pld: 5.1926),
        Case(rate: 0.0032, sigma: 0.852, steps: 78_125, delta: 1e-5, renyi: 7.9965, order: 3.8, pld: 7.4024),
        Case(rate: 0.01, sigma: 1.3, steps: 30_000, delta: 1e-5, renyi: 8.0151, order: 3.8, pld: 7.4359),
        Case(rate: 1 / 60, sigma: 1.79, steps: 36_000, delta: 1e-3, renyi: 7.9799, order: 2.8, pld: 7.1697),
        Case(rate: 0.25, sigma: 2, steps: 600, delta: 1e-3, renyi: 16.079, order: 2, pld: 14.5485),
    ]

    @Test(arguments: cases) func renyi(_ vector: Case) throws {
        let accountant = RenyiAccountant([try vector.event])
        let epsilon = accountant.epsilon(at: vector.delta)
        #expect(abs(epsilon / vector.renyi - 1) < 1e-3, "\(epsilon)")
        #expect(accountant.order(at: vector.delta) == vector.order)
    }

    @Test(arguments: cases) func lossDistribution(_ vector: Case) throws {
        let epsilon = PrivacyLossAccountant([try vector.event]).epsilon(at: vector.delta)
        #expect(abs(epsilon / vector.pld - 1) < 1e-3, "\(epsilon)")
    }

    private func sampled(_ rate: Double, _ sigma: Double, _ steps: Int) throws -> PrivacyEvent {
        try .sampledGaussian(rate: rate, noiseMultiplier: sigma).composed(steps)
    }

    @Test func differentReleasesAddUp() throws {
        let mixed = [try sampled(0.01, 1.1, 1000), try .gaussian(5).composed(3), try .laplace(scale: 10).composed(2)]
        #expect(abs(PrivacyLossAccountant(mixed).epsilon(at: 1e-5) - 2.135252) < 1e-5)
        #expect(abs(RenyiAccountant(mixed).epsilon(at: 1e-5) - 2.339188) < 1e-5)
        let two = [try sampled(0.01, 1.1, 1000), try sampled(0.02, 1.5, 2000)]
        #expect(abs(PrivacyLossAccountant(two).epsilon(at: 1e-5) - 3.293364) < 1e-5)
        #expect(abs(RenyiAccountant(two).epsilon(at: 1e-5) - 3.587899) < 1e-5)
        // However they are written down.
        let pieces = [try sampled(0.02, 1.5, 500), try sampled(0.01, 1.1, 1000), try sampled(0.02, 1.5, 1500)]
        #expect(PrivacyLossAccountant(pieces).epsilon(at: 1e-5) == PrivacyLossAccountant(two).epsilon(at: 1e-5))
    }

    @Test func lossesOfAnySize() throws {
        #expect(abs(PrivacyLossAccountant([try sampled(0.5, 0.3, 50)]).epsilon(at: 1e-5) - 225.02020) < 1e-4)
        #expect(abs(PrivacyLossAccountant([try sampled(0.001, 10, 1000)]).epsilon(at: 1e-5) - 0.00816668) < 1e-7)
        // Where a grid of 1e-4 would not fit: 3,200 against what is exact.
        let coarse = [try PrivacyEvent.gaussian(0.0125)]
        let exact = try AnalyticGaussian.epsilon(noiseMultiplier: 0.0125, delta: 1e-5)
        #expect(abs(PrivacyLossAccountant(coarse).epsilon(at: 1e-5) / exact - 1) < 1e-5)
        #expect(PrivacyLossAccountant(coarse).epsilon(at: 1e-5) >= exact)
    }

    @Test func laplaceNoise() throws {
        // One release: δ(ε) = 1 − e^((ε − 1/b)/2) below 1/b; at most 1/b however small δ.
        for (scale, delta) in [(0.5, 1e-3), (2.3, 0.05), (10, 1e-5)] {
            let exact = 1 / scale + 2 * Double(1 - delta).logarithm
            let epsilon = PrivacyLossAccountant([try .laplace(scale: scale)]).epsilon(at: delta)
            #expect(abs(epsilon - max(0, exact)) < 1e-4 && epsilon >= exact)
        }
        let seven = [try PrivacyEvent.laplace(scale: 2.3).composed(7)]
        #expect(abs(PrivacyLossAccountant(seven).epsilon(at: 1e-5) - 3.042200) < 1e-5)
        #expect(abs(RenyiAccountant(seven).epsilon(at: 1e-5) - 3.042240) < 1e-5)
        #expect(abs(RenyiAccountant(seven).epsilon(at: 0) - 7 / 2.3) < 1e-12)
    }

    @Test func deltaAndEpsilonAgree() throws {
        let accountant = PrivacyLossAccountant([try sampled(0.01, 1.1, 1000)])
        let epsilon = accountant.epsilon(at: 1e-6)
        #expect(abs(accountant.delta(at: epsilon) / 1e-6 - 1) < 1e-3)
    }

    @Test func nothingCostsNothingAndTooLittleDeltaIsInfinite() throws {
        for accountant in Accountant.allCases {
            #expect(accountant.epsilon(of: [], at: 1e-5) == 0)
            #expect(accountant.epsilon(of: [try sampled(0, 1, 10)], at: 1e-5) == 0)
            #expect(accountant.epsilon(of: [try .gaussian(1)], at: 0) == .infinity)
            #expect(accountant.epsilon(of: [try .gaussian(1)], at: .nan) == .infinity)
        }
        // What rounding may hide is more than this δ.
        #expect(PrivacyLossAccountant([try sampled(0.01, 1, 100_000)]).epsilon(at: 1e-11) == .infinity)
    }

    @Test func eventsThatMakeNoSenseAreRefused() throws {
        for sigma in [0, -1, Double.nan, .infinity, 1e-9] {
            #expect(throws: PrivacyError.self) { try PrivacyEvent.gaussian(sigma) }
            #expect(throws: PrivacyError.self) { try PrivacyEvent.laplace(scale: sigma) }
            #expect(throws: PrivacyError.self) { try sampled(0.1, sigma, 1) }
        }
        for rate in [-0.1, 1.1, Double.nan] { #expect(throws: PrivacyError.self) { try sampled(rate, 1, 1) } }
        #expect(throws: PrivacyError.self) { try sampled(0.1, 1, -1) }
        #expect(throws: PrivacyError.self) { try sampled(0.1, 1, .max) }
        #expect(throws: PrivacyError.self) { try sampled(0.1, 1, 1 << 33).composed(1 << 33) }
        #expect(throws: PrivacyError.self) {
            try JSONDecoder().decode(
                PrivacyEvent.self,
                from: Data(#"{"mechanism":{"gaussian":{"noiseMultiplier":0}},"count":1}"#.utf8))
        }
    }

    @Test func whatTheCommandPrints() throws {
        let report = try EpsilonReport(samplingRate: 0.0032, noiseMultiplier: 0.852, steps: 78_125, delta: 1e-5)
        #expect("\(report)" == "Rényi: 7.99647\nPLD: 7.40237")
        #expect(throws: PrivacyError.self) {
            try EpsilonReport(samplingRate: 0.1, noiseMultiplier: 1, steps: 1, delta: 0)
        }
    }
}

extension Double {
    fileprivate var logarithm: Double { log(self) }
}
