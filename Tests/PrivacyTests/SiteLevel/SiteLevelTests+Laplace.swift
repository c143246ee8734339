import Federation
import Privacy
import Testing

extension SiteLevelTests {
    @Test func laplaceNoiseIsMadeForDifferencesClippedInL1() async throws {
        var settings = settings(clip: 0.3, sigma: 2)
        settings.mechanism = .laplace
        #expect(try settings.events == [.laplace(scale: 2)])
        let filter = try SiteLevelFilter(settings)
        // A vector of 40,001 equal values of L2 norm 0.2 has 40 in L1.
        let before = update(0.2)
        let clipped = try await filter.atSite(before, context)
        let norm = try clipped.tensors.sumOfMagnitudes()
        #expect(norm <= 0.3 && norm > 0.29999)
        let magnitudes = try clipped.tensors.weights().tensors.flatMap { $0.floats! }.reduce(0.0) {
            $0 + Double(abs($1))
        }
        #expect(abs(norm / magnitudes - 1) < 1e-9)
        let signs = Weights([Weights.Tensor("a", (0..<19).map { $0 % 2 == 0 ? -1 : 1 }, shape: [19])])
        #expect(try signs.sumOfMagnitudes() == 19)
        _ = try await filter.atServer(clipped, context)
        await #expect(throws: PrivacyError.self) { try await filter.atServer(before, context) }

        // √2·b·C times the largest share. A deviation of 100,000 Laplace values is off by more than 6.2·√5/(2√n) with a
        // probability below 10⁻⁹.
        let (all, plan, global) = try contributions(["a", "b", "c", "d"], weights: [1, 2, 5, 2])
        let noised = try SiteLevelMean(settings, source: .seeded(1)).combine(all, plan: plan, global: global)
        #expect(abs(deviation(noised) / (2.0.squareRoot() * 2 * 0.3 * 0.5) - 1) < 0.022)
        // And Laplace it is: half of the values lie within ln 2 scales, where of normal ones 0.67 standard deviations.
        let within = noised.tensors[0].floats!.count { Double(abs($0)) < 0.693147 * 2 * 0.3 * 0.5 }
        #expect(abs(Double(within) - 50_000) < 6.2 * 25_000.0.squareRoot())

        settings.noise = .shared(fewestSites: 3)
        #expect(throws: PrivacyError.self) { try settings.validate() }
        (settings.noise, settings.noiseMultiplier) = (.server, 0x1p12)
        #expect(throws: PrivacyError.self) { try settings.validate() }
    }
}
