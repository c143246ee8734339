import Federation
import Privacy
import Study
import Testing

@Suite struct DifferentialPrivacyTests {
    private static let sites = "sites: [{name: a, dataset: 1}, {name: b, dataset: 2}, {name: c, dataset: 3}]\n"
    private static let record =
        "strategy: {weights: uniform}\nprivacy: {differential_privacy: {unit: record, epsilon: 8, delta: 1e-5, expected_batch: 4}}"
    private static let site = """
        strategy: {weights: uniform, update: difference, minimum_sites: 3}
        privacy: {differential_privacy: {unit: site, noise_multiplier: 4, delta: 1e-3, clipping_norm: 0.5}}
        """

    private func read(_ yaml: String) throws -> RunFile { try RunFile(yaml: Self.sites + yaml) }

    private func faults(_ yaml: String) -> String {
        do {
            _ = try read(yaml)
            return ""
        } catch { return "\(error)" }
    }

    @Test func recordsAreReadAndWrittenBack() throws {
        let file = try read(
            """
            training: {rounds: 3, local_epochs: 2, iterations_per_epoch: 5, warm_up_rounds: 1}
            sharing: {mode: backbone}
            strategy: {weights: {a: 1, b: 1, c: 2}}
            privacy:
              differential-privacy: {unit: record, noise-multiplier: 1.5, delta: 1e-5, clipping_norm: 0.7,
                expected_batch: 4, patches_per_record: 2, patients: patient, accountant: pld, releases: [fingerprint, metrics]}
            """)
        let privacy = try #require(file.privacy.differentialPrivacy)
        #expect(privacy.unit == .record && privacy.patients == "patient" && privacy.patchesPerRecord == 2)
        #expect(privacy.releases == [.fingerprint, .metrics] && privacy.accountant == .lossDistribution)
        // Steps of all rounds, those of warm-up among them.
        #expect(
            privacy.recordLevel(of: file)
                == RecordLevelSettings(
                    clippingNorm: 0.7, expectedBatch: 4, noise: .multiplier(1.5), delta: 1e-5, steps: 40,
                    accountant: .lossDistribution))
        #expect(try RunFile(yaml: file.yaml()).privacy == file.privacy)
        #expect(try file.makeStrategy().filters.isEmpty)
        var other = file
        try other.set("privacy.differential_privacy.noise_multiplier", "2")
        #expect(other.runSettings.identity != file.runSettings.identity)
    }

    @Test func wholeSitesAreReadAndTheStrategyKeepsThem() throws {
        let file = try read(Self.site)
        let strategy = try file.makeStrategy()
        #expect(strategy.filters.map(\.name) == ["site-level-privacy"])
        #expect(strategy.aggregator is SiteLevelMean)
        #expect(try RunFile(yaml: file.yaml()).privacy == file.privacy)
        let settings = try #require(file.privacy.differentialPrivacy).siteLevel(of: file)
        #expect(settings == SiteLevelSettings(clippingNorm: 0.5, noiseMultiplier: 4, noise: .server))

        let shared = try read(
            """
            strategy: {weights: {a: 1, b: 1, c: 2}, update: difference, minimum_sites: 3, filters: [half-precision]}
            training: {rounds: 50}
            privacy: {differential_privacy: {unit: site, epsilon: 8, delta: 1e-5, clipping_norm: 1, noise: {shared: 3}}}
            """)
        let made = try #require(shared.privacy.differentialPrivacy).siteLevel(of: shared)
        #expect(made.noise == .shared(fewestSites: 3) && made.weights == ["a": 1, "b": 1, "c": 2])
        // The specification's σ for 50 rounds.
        #expect(abs(made.noiseMultiplier - 4.51) < 0.01)
        #expect(try shared.makeStrategy().filters.map(\.name) == ["site-level-privacy", "half-precision"])

        let adaptive = try read(
            """
            strategy: {weights: uniform, update: difference, minimum_sites: 3}
            privacy:
              differential_privacy:
                {unit: site, noise_multiplier: 4, delta: 1e-3, clipping_norm: 0.1,
                 adaptive_clipping: {bit_noise: 2, fewest_sites: 3}}
            """)
        #expect(
            try adaptive.privacy.differentialPrivacy?.siteLevel(of: adaptive).adaptive
                == AdaptiveClipping(bitNoise: 2, fewestSites: 3))
        #expect(try RunFile(yaml: adaptive.yaml()).privacy == adaptive.privacy)
    }

    @Test func laplaceNoiseIsTheServersAndForSites() throws {
        let file = try read(Self.site.replacing("unit: site", with: "unit: site, mechanism: laplace"))
        let settings = try #require(file.privacy.differentialPrivacy).siteLevel(of: file)
        #expect(settings.mechanism == .laplace && settings.noiseMultiplier == 4)
        #expect(try RunFile(yaml: file.yaml()).privacy == file.privacy)
        #expect(try file.makeStrategy().aggregator is SiteLevelMean)
        // The scale that keeps an ε over all rounds, and no less than that.
        let planned = try read(
            Self.site.replacing("unit: site, noise_multiplier: 4", with: "unit: site, mechanism: laplace, epsilon: 8"))
        let scale = try #require(planned.privacy.differentialPrivacy).siteLevel(of: planned).noiseMultiplier
        func epsilon(_ scale: Double) throws -> Double {
            Accountant.renyi.epsilon(of: [try PrivacyEvent.laplace(scale: scale).composed(50)], at: 1e-3)
        }
        #expect(try epsilon(scale) <= 8 && epsilon(scale * 0.999) > 8)
        // Gaussian noise is the same with and without its name.
        let named = try read(Self.site.replacing("unit: site", with: "unit: site, mechanism: gaussian"))
        #expect(try named.privacy == read(Self.site).privacy)
        let shared = Self.site.replacing("unit: site", with: "unit: site, mechanism: laplace, noise: {shared: 3}")
        #expect(faults(shared).contains("they do not add up to it"))
        let record = Self.record.replacing("unit: record", with: "unit: record, mechanism: laplace")
        #expect(faults(record).contains("hides whole sites alone"))
    }

    /// As a FLARE user writes it: DP-SGD on records, the budget that of the whole run.
    @Test func flaresBlockIsUnderstood() throws {
        let block = "{enabled: true, mechanism: gaussian, epsilon: 8, delta: 1e-5, max_grad_norm: 0.9}"
        let file = try read(
            "training: {batch_size: 4}\nstrategy: {weights: uniform}\nprivacy: {differential_privacy: \(block)}")
        let ours = try read(
            """
            training: {batch_size: 4}
            strategy: {weights: uniform}
            privacy: {differential_privacy: {unit: record, epsilon: 8, delta: 1e-5, clipping_norm: 0.9}}
            """)
        #expect(file.privacy == ours.privacy && file.privacy.differentialPrivacy != nil)
        let settings = try #require(file.privacy.differentialPrivacy).recordLevel(of: file)
        #expect(settings.steps == 50 * 250 && settings.expectedBatch == 4 && settings.noise == .epsilon(8))
        let off = try read(
            "privacy: {differential_privacy: \(block.replacing("enabled: true", with: "enabled: false"))}")
        #expect(off.privacy == RunFile.Privacy())
        #expect(try off.makeStrategy().aggregator is WeightedMean)
        #expect(
            faults("privacy: {differential_privacy: \(block.replacing("gaussian", with: "laplace"))}").contains(
                "gaussian"))
        let both = block.replacing("}", with: ", clipping_norm: 1}")
        #expect(faults("privacy: {differential_privacy: \(both)}").contains("FLARE's words"))
    }

    @Test(arguments: [
        ("unit: record, ", "", "unit is missing; write record"),
        ("unit: record", "unit: patient", "unit is \"patient\""),
        ("epsilon: 8, ", "", "epsilon is missing"), ("epsilon: 8", "epsilon: 0", "above 0"),
        ("epsilon: 8", "epsilon: 8, noise_multiplier: 1", "does not go with noise_multiplier"),
        ("delta: 1e-5, ", "", "delta is missing"), ("delta: 1e-5", "delta: 1", "below 1"),
        (", expected_batch: 4", "", "expected_batch is missing"), ("epsilon: 8", "epsilo: 8", "did you mean epsilon?"),
        ("unit: record", "unit: record, noise: server", "belongs to unit: site"),
        ("unit: record", "unit: record, adaptive_clipping: {bit_noise: 1, fewest_sites: 2}", "belongs to unit: site"),
        ("weights: uniform", "weights: examples", "tells how many cases a site has"),
        ("weights: uniform", "weights: steps", "tells how many cases a site has"),
        ("unit: record", "unit: record, releases: [metrics]", "leaves out fingerprint"),
        ("unit: record", "unit: record, releases: [fingerprint, seeded-noise]", "fingerprint, counts, metrics, model"),
        (
            "strategy:", "validation: {cross_site: true}\nstrategy:",
            "validation.cross_site sends every site's own model"
        ),
    ])
    func whatWouldBreakThePromiseOfRecordsIsRefused(old: String, new: String, words: String) {
        #expect(faults(Self.record).isEmpty)
        let found = faults(Self.record.replacing(old, with: new))
        #expect(found.contains(words), "\(found)")
    }

    @Test(arguments: [
        ("clipping_norm: 0.5", "expected_batch: 3, clipping_norm: 0.5", "belongs to unit: record"),
        ("clipping_norm: 0.5", "patients: patient, clipping_norm: 0.5", "belongs to unit: record"),
        (", clipping_norm: 0.5", "", "clipping_norm is missing"),
        ("update: difference", "update: weights", "cannot be clipped to hide a site"),
        ("weights: uniform", "weights: examples", "follows from a site's data"),
        ("weights: uniform", "weights: uniform, aggregation: median", "no noise can be fitted"),
        ("weights: uniform", "weights: uniform, model_of_each_modality: true", "without noise of its own"),
        ("weights: uniform", "weights: uniform, modality_weights: {CT: 1, MR: 1}", "do not go with privacy of sites"),
        ("weights: uniform", "weights: uniform, filters: [half-precision]", "change what was clipped"),
        ("unit: site", "unit: site, noise: {shared: 4}", "the noise is shared among 4 sites"),
        ("unit: site", "unit: site, noise: everyone", "server"),
        (
            "noise_multiplier: 4", "epsilon: 8, adaptive_clipping: {bit_noise: 1, fewest_sites: 2}",
            "does not go with adaptive_clipping"
        ),
        ("unit: site", "unit: site, adaptive_clipping: {fewest_sites: 2}", "bit_noise is missing"),
        (
            "unit: site", "unit: site, adaptive_clipping: {bit_noise: 1, fewest_sites: 4}",
            "a round may end with 3 sites, whose bits would be paid for and not be used; write 3 or less"
        ),
        ("noise_multiplier: 4", "noise_multiplier: 16384", "to below 16384"),
        ("noise_multiplier: 4, delta: 1e-3", "epsilon: 1e-6, delta: 1e-12", "noise that cannot be made"),
        ("clipping_norm: 0.5", "clipping_norm: 1e40", "noise that cannot be made"),
        // 4 · 20 / √3 = 46.19: wider than a quarter of ±8, in which a site's noise would be cut off.
        (
            "weights: uniform, update: difference, minimum_sites: 3}\n"
                + "privacy: {differential_privacy: {unit: site, noise_multiplier: 4, delta: 1e-3, clipping_norm: 0.5",
            "weights: uniform, update: difference, minimum_sites: 3, secure_aggregation: masks}\n"
                + "privacy: {differential_privacy: {unit: site, noise: {shared: 3}, noise_multiplier: 4, delta: 1e-3, "
                + "clipping_norm: 20",
            "the standard deviation 46.188; write clipping_range: 185"
        ),
    ])
    func whatWouldBreakThePromiseOfSitesIsRefused(old: String, new: String, words: String) {
        #expect(faults(Self.site).isEmpty)
        let found = faults(Self.site.replacing(old, with: new))
        #expect(found.contains(words), "\(found)")
    }

    /// Numbers that no product holds are refused, not multiplied.
    @Test(arguments: [
        "rounds", "local_epochs", "iterations_per_epoch", "validation_iterations_per_epoch", "warm_up_rounds",
    ])
    func trainingsBeyondAllBoundsAreRefused(key: String) throws {
        let found = faults(Self.record + "\ntraining: {\(key): 9000000000000000000}")
        #expect(found.contains("training.\(key) is 9000000000000000000; write 10"), "\(found)")
        var file = try read(Self.record)
        file.training.rounds = .max
        file.training.warmUpRounds = .max
        file.training.localEpochs = .max
        #expect(file.privacy.differentialPrivacy?.recordLevel(of: file).steps == .max)
        #expect(throws: (any Error).self) { try file.privacy.differentialPrivacy?.siteLevel(of: file) }
    }

    @Test func aPlanOfASecureSumSaysWhatItAdds() throws {
        let sum = Self.site.replacing("minimum_sites: 3", with: "minimum_sites: 3, secure_aggregation: masks")
            .replacing("unit: site", with: "unit: site, noise: {shared: 3}")
        let text = try withScratchFolder {
            "\(try RunPrivacyPlan(read(sum), folders: NNUNetFolders.empty($0), stated: .init(parameters: 1000)))"
        }
        #expect(text.contains("only their secure sum") && !text.contains("combine this"), "\(text)")
    }

    @Test func aPlanTellsWhatIsStatedAndAsksForTheRest() throws {
        let nowhere = try withScratchFolder { folder -> (String, String, String, String) in
            let folders = NNUNetFolders.empty(folder)
            func plan(_ yaml: String, _ stated: RunPrivacyPlan.Stated) -> String {
                do { return "\(try RunPrivacyPlan(read(yaml), folders: folders, stated: stated))" } catch {
                    return "\(error)"
                }
            }
            return (
                plan(Self.record, .init(records: 60)), plan(Self.record, .init(parameters: 1000)),
                plan(
                    Self.record + "\ntraining: {rounds: 10, iterations_per_epoch: 60}",
                    .init(records: 60, parameters: 1000)),
                plan(Self.site, .init(parameters: 1000))
            )
        }
        #expect(nowhere.0.contains("--parameters") && nowhere.1.contains("--records"))
        #expect(nowhere.2.contains("unit of privacy: record") && nowhere.2.contains("ε in all: 8 "), "\(nowhere.2)")
        #expect(nowhere.2.contains("steps: 600 in 10 rounds") && nowhere.2.contains("It does not protect"))
        #expect(nowhere.3.contains("unit of privacy: site") && nowhere.3.contains("a, b, c"), "\(nowhere.3)")
    }
}
