import Federation
import Foundation
import Privacy
import Study
import Testing

@Suite struct RunFileSecureAggregationTests {
    private static func sites(_ count: Int) -> String {
        "sites: [\((1...count).map { "{name: s\($0), dataset: \($0)}" }.joined(separator: ", "))]\n"
    }

    private func faults(_ yaml: String, sites: Int = 3) -> [String] {
        do {
            _ = try RunFile(yaml: Self.sites(sites) + yaml)
            return []
        } catch { return "\(error)".split(separator: "\n").map(String.init) }
    }

    @Test func settingsAreReadAndWritten() throws {
        for (word, form) in [("masks", SecureSumSettings.Form.masks), ("lattice", .lattice)] {
            var settings = SecureSumSettings()
            settings.form = form
            let plain = try RunFile(yaml: Self.sites(3) + "strategy: {secure_aggregation: \(word)}")
            #expect(plain.strategy.secureAggregation == .sum(settings))
            (settings.clippingRange, settings.mostClipped, settings.neighbours) = (2, 0.01, 6)
            (settings.threshold, settings.largestShare) = (0.5, 0.8)
            (settings.allowsTwoSites, settings.sendsMetrics) = (true, true)
            let run = try RunFile(
                yaml: Self.sites(2)
                    + "strategy: {secure-aggregation: {\(word): {clipping_range: 2, most_clipped: 0.01, neighbours: 6, threshold: 0.5, largest_share: 0.8, allow_two_sites: true, send_metrics: true}}}"
            )
            #expect(run.strategy.secureAggregation == .sum(settings))
            for run in [plain, run] { #expect(try RunFile(yaml: run.yaml(), file: "run.yaml") == run.resolved) }
        }
        #expect(try RunFile(yaml: Self.sites(1)).strategy.secureAggregation == .plain)
    }

    @Test func theStrategySealsLast() throws {
        let place = StrategyPlace(run: "r", keys: .simulated(sites: ["s1", "s2", "s3"]))
        let run = try RunFile(
            yaml: Self.sites(3) + "strategy: {update: difference, filters: [svt], secure_aggregation: masks}")
        let strategy = try run.makeStrategy(at: place)
        #expect(strategy.filters.map(\.name) == ["sparse-vector", "secure-sum"])
        #expect(strategy.sealing != nil && strategy.minimumSites == 3)
        #expect(run.strategy.text.contains("secure sums under masks"))
        // Nobody's signature counts at a place that knows nobody.
        #expect(try run.makeStrategy().sealing != nil)

        let ckks = try RunFile(yaml: Self.sites(3) + "strategy: {secure_aggregation: ckks}")
        let sealed = try ckks.makeStrategy(at: StrategyPlace(run: "r", ckksKey: CKKSKey.randomBytes()))
        #expect(sealed.sealsModel && sealed.aggregator is CKKSSum && sealed.minimumSites == 3)
        #expect(!strategy.sealsModel)
    }

    /// Filters and noise work on differences at the sites; the server gets models, and only adds.
    @Test func underCKKSFiltersAreTheSites() throws {
        func run(_ form: String) throws -> RunFile {
            try RunFile(
                yaml: Self.sites(4)
                    + """
                    strategy: {secure_aggregation: \(form), weights: uniform, update: difference, minimum_sites: 4, filters: [percentile]}
                    privacy: {differential_privacy: {unit: site, noise_multiplier: 1, delta: 1e-3, clipping_norm: 1, noise: {shared: 4}}}
                    """)
        }
        let strategy = try run("ckks").makeStrategy(at: StrategyPlace(run: "r", ckksKey: CKKSKey.randomBytes()))
        #expect(strategy.filters.map(\.name) == ["site-level-privacy", "percentile", "ckks"])
        #expect(strategy.content == .weights && strategy.aggregator is CKKSSum && strategy.sealsModel)
        // A sum with less than all of the noise is not opened.
        #expect((strategy.filters.last as? CKKSAggregation)?.fewestSites == 4)
        let summed = try run("masks").makeStrategy(
            at: StrategyPlace(run: "r", keys: .simulated(sites: ["s1", "s2", "s3", "s4"])))
        #expect(summed.sealing?.fewestUpdates == 4)
        // What the run says of its rounds, sites hold the server to.
        #expect((summed.sealing as? SecureSum)?.settings.leastUpdates == 4)
    }

    @Test(arguments: [
        ("aggregation: median", "strategy.aggregation is median, which compares single updates"),
        ("aggregation: {trimmed_mean: 0.4}", "which compares single updates"),
        ("weights: steps", "strategy.weights is steps, which are known after training only"),
        ("weights: {s1: 1, s2: 1, s3: 0}", "strategy.weights leave fewer than 3 sites in the sum"),
        ("model_of_each_modality: true", "strategy.model_of_each_modality makes means of some updates"),
        (
            "select: {count: 2}",
            "hides an update among 3 sites or more, and strategy.select takes 2 in a round; select more."
        ),
        ("filters: [half-precision]", "strategy.filters.0 is half-precision, after which there is nothing"),
        ("filters: [quantise]", "is quantise, after which there is nothing"),
        ("update: difference, filters: [top_k]", "is top_k, after which there is nothing"),
        ("update: difference, filters: [{exclude: {names: [w]}}]", "is exclude, after which there is nothing"),
    ])
    func whatReadsSingleUpdatesIsRefused(strategy: String, expected: String) {
        for word in ["masks", "lattice", "ckks"] {
            let told = faults("strategy: {secure_aggregation: \(word), \(strategy)}")
            #expect(told.contains { $0.contains(expected) }, "\(word): \(told)")
        }
    }

    @Test(arguments: ["masks", "lattice", "ckks"])
    func crossSiteValidationIsRefused(word: String) {
        let told = faults("strategy: {secure_aggregation: \(word)}\nvalidation: {cross_site: true}")
        #expect(
            told == [
                "run.yaml:3:14: validation.cross_site sends every site's own model around, which secure_aggregation hides; leave it out."
            ])
    }

    @Test(arguments: ["masks", "lattice", "ckks"])
    func fewSitesAreRefused(word: String) {
        let told = faults("strategy: {secure_aggregation: \(word)}", sites: 2)
        #expect(
            told == [
                "run.yaml:2:12: strategy.secure_aggregation hides an update among 3 sites or more, and there are 2; let more take part, or state allow_two_sites: true, with which each learns the other's update."
            ])
        #expect(faults("strategy: {secure_aggregation: {\(word): {allow_two_sites: true}}}", sites: 2).isEmpty)
        #expect(!faults("strategy: {secure_aggregation: {\(word): {allow_two_sites: true}}}", sites: 1).isEmpty)
    }

    @Test(arguments: [
        (
            "strategy: {secure_aggregation: {masks: {threshold: 0.4}}}",
            "strategy.secure_aggregation.masks cannot be taken; More than a share of 0.5"
        ),
        ("strategy: {secure_aggregation: {lattice: {neighbours: 3}}}", "even number of others"),
        (
            "strategy: {secure_aggregation: {masks: {clipping_range: 0}}}",
            "strategy.secure_aggregation.masks.clipping_range is 0; write a number above 0."
        ),
        ("strategy: {secure_aggregation: maks}", "strategy.secure_aggregation is \"maks\"; did you mean masks?"),
        (
            "strategy: {secure_aggregation: ckks, server_optimizer: fedadam}",
            "strategy.server_optimizer reads the model"
        ),
        (
            "strategy: {secure_aggregation: ckks, weights: {s1: 1, s2: 1, s3: 2}}",
            "strategy.weights are applied at the sites under ckks"
        ),
        (
            "strategy: {secure_aggregation: ckks, modality_weights: {CT: 1}}",
            "strategy.modality_weights are applied at the sites"
        ),
        ("strategy: {secure_aggregation: ckks}\nsharing: {mode: backbone}", "sharing keeps tensors back"),
        (
            "strategy: {secure_aggregation: ckks}\ntraining: {warm_up_rounds: 1}",
            "training.warm_up_rounds is 1, and under ckks"
        ),
        (
            "strategy: {secure_aggregation: masks, weights: uniform, update: difference}\nprivacy: {differential_privacy: {unit: site, noise_multiplier: 1, delta: 1e-3, clipping_norm: 1}}",
            "differential_privacy.noise is server, which must see each update"
        ),
    ])
    func whatDoesNotWorkIsRefused(yaml: String, expected: String) {
        let told = faults(yaml)
        #expect(told.contains { $0.contains(expected) }, "\(told)")
    }

    @Test func nodesOfFlowersHaveNoCertificates() {
        let nodes = "sites: [{name: a, dataset: 1}, {name: b, dataset: 2}, {name: c, flower: true}]\nflower: {fab: b}\n"
        let error = #expect(throws: RunFileError.self) {
            try RunFile(yaml: nodes + "strategy: {secure_aggregation: masks}")
        }
        #expect(error.map { "\($0)".contains("needs sites that sign with their certificates") } == true)
    }

    /// A server without certificates cannot know who signs.
    @Test func aServerWithoutAKitRefuses() throws {
        let run = try RunFile(yaml: Self.sites(3) + "strategy: {secure_aggregation: masks}")
        let error = #expect(throws: StudyError.self) {
            try ServedRun(run, output: FileManager.default.temporaryDirectory, engine: NoEngine())
        }
        #expect(error.map { "\($0)".contains("sign with their certificates") } == true)
    }

    private struct NoEngine: StudyEngine {
        struct Missing: Error {}
        func learner(_ site: StudySite) throws -> any Learner { throw Missing() }
        func predict(_ order: PredictionOrder) async throws { throw Missing() }
        func check(_ training: RunFile.Training) throws {}
        func mirroringAxes(_ training: RunFile.Training, dimensions: Int) -> [Int]? { nil }
        func gpuCount() throws -> Int { 0 }
    }
}
