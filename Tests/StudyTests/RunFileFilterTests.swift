import Federation
import Foundation
import Privacy
import Study
import Testing

@Suite struct RunFileFilterTests {
    private static let sites = "sites: [{name: a, dataset: 1}, {name: b, dataset: 2}, {name: c, dataset: 3}]\n"

    private func file(_ yaml: String) throws -> RunFile { try RunFile(yaml: Self.sites + yaml) }

    private func faults(_ yaml: String) -> [String] {
        do {
            _ = try file(yaml)
            return []
        } catch { return "\(error)".split(separator: "\n").map(String.init) }
    }

    private typealias Filter = RunFile.Strategy.Filter

    private static let filters: [(String, Filter)] = [
        ("half-precision", .halfPrecision),
        ("svt", .sparseVector(SparseVector.Settings())),
        // The published BraTS setting.
        (
            "{svt: {form: legacy, fraction: 0.9, epsilon: 0.001, noise_var: 1.0, gamma: 0.0001, replace: no}}",
            .sparseVector(
                with(SparseVector.Settings()) {
                    ($0.form, $0.fraction, $0.epsilon) = (.legacy, 0.9, 0.001)
                    ($0.noiseVariance, $0.gamma, $0.replace) = (1, 1e-4, false)
                })
        ),
        (
            "{svt: {epsilon: 21, noise_var: 2, tau: -1, epsilon_threshold: 1, epsilon_query: 20, epsilon_release: 5}}",
            .sparseVector(
                with(SparseVector.Settings()) {
                    ($0.epsilon, $0.noiseVariance, $0.tau) = (21, 2, -1)
                    ($0.epsilonThreshold, $0.epsilonQuery, $0.epsilonRelease) = (1, 20, 5)
                })
        ),
        ("percentile", .percentile(Percentile.Settings())),
        (
            "{percentile: {percentile: 90, gamma: 0.5}}",
            .percentile(with(Percentile.Settings()) { ($0.percentile, $0.gamma) = (90, 0.5) })
        ),
        (
            "{exclude: {names: [w, v], pattern: ^encoder}}",
            .exclude(Exclude.Settings(names: ["w", "v"], pattern: "^encoder"))
        ),
        ("{block: weights}", .block(.weights)),
        ("top-k", .topK(TopK.Settings())),
        (
            "{top_k: {fraction: 0.05, values: float16, error_feedback: false}}",
            .topK(with(TopK.Settings()) { ($0.fraction, $0.values, $0.feedsBack) = (0.05, .float16, false) })
        ),
        ("quantise", .quantise(Quantise.Settings())),
        (
            "{quantise: {bits: 8, error_feedback: false}}",
            .quantise(with(Quantise.Settings()) { ($0.width, $0.feedsBack) = (.eight, false) })
        ),
    ]

    private static func with<Value>(_ value: Value, _ change: (inout Value) -> Void) -> Value {
        var value = value
        change(&value)
        return value
    }

    @Test(arguments: filters.indices)
    func aFilterIsReadAndWritten(_ index: Int) throws {
        let (yaml, expected) = Self.filters[index]
        let run = try file("strategy: {update: difference, filters: [\(yaml)]}")
        #expect(run.strategy.filters == [expected])
        #expect(try RunFile(yaml: run.yaml(), file: "run.yaml") == run.resolved)
        // The coordinator's and a site's filter is the one that was written.
        let folder = FileManager.default.temporaryDirectory
        let made = try run.makeStrategy(at: StrategyPlace(folder: folder)).filters
        #expect(made.count == 1)
        switch expected {
        case .sparseVector(let settings): #expect((made[0] as? SparseVector)?.settings == settings)
        case .percentile(let settings): #expect((made[0] as? Percentile)?.settings == settings)
        case .exclude(let settings): #expect((made[0] as? Exclude)?.settings == settings)
        case .block(let content): #expect((made[0] as? Blocker)?.settings == Blocker.Settings([content]))
        case .topK(let settings): #expect((made[0] as? TopK)?.settings == settings)
        case .quantise(let settings): #expect((made[0] as? Quantise)?.settings == settings)
        case .halfPrecision: #expect(made[0] is HalfPrecision)
        }
    }

    @Test func manyFiltersKeepTheirOrder() throws {
        let run = try file(
            """
            strategy:
              update: difference
              filters:
                - exclude: {pattern: decoder}
                - svt
                - top_k: {fraction: 0.2}
                - quantise: {bits: 8}
            """)
        #expect(try run.makeStrategy().filters.map(\.name) == ["exclude", "sparse-vector", "top-k", "quantise"])
        // What a site must keep up over a crash is part of the run's identity.
        let other = try file("strategy: {update: difference, filters: [svt]}")
        #expect(run.runSettings.identity != other.runSettings.identity)
    }

    @Test(arguments: [
        (
            "[svt]",
            "2:22: strategy.filters.0 is svt, which works on differences, and strategy.update is weights; write update: difference."
        ),
        ("[top_k]", "strategy.filters.0 is top_k, which works on differences"),
        ("[percentile]", "strategy.filters.0 is percentile, which works on differences"),
        ("[{exclude: {names: [w]}}]", "strategy.filters.0 is exclude, which works on differences"),
        (
            "[{block: weights}]",
            "strategy.filters.0 lets no weights out, and that is what strategy.update sends; leave it out, or let the run send another kind."
        ),
        ("[block]", "strategy.filters.0 is block and does not say which; write {block: weights}."),
        ("[quantise, quantise]", "strategy.filters.1 is quantise, which is there already; keep one."),
        (
            "[half-precision, quantise]",
            "strategy.filters do not stand in an order that is sound; The filter quantise is there twice; keep one."
        ),
        ("[{quantise: {bits: 4}}]", "strategy.filters.0.quantise.bits is \"4\"; write 16 or 8."),
        ("[svd]", "strategy.filters.0 is \"svd\"; did you mean svt?"),
        ("[{svt: {epsilonn: 1}}]", "strategy.filters.0.svt.epsilonn is unknown; did you mean epsilon?"),
    ])
    func whatDoesNotWorkIsRefused(filters: String, expected: String) {
        let told = faults("strategy: {filters: \(filters)}")
        #expect(told.contains { $0.contains(expected) }, "\(told)")
    }

    @Test(arguments: [
        (
            "[quantise, svt]",
            "The filter noise comes after quantise, and must come before it. The right order is: noise, quantise."
        ),
        ("[top_k, percentile]", "must come before it"),
        ("[svt, {exclude: {names: [w]}}]", "must come before it"),
        (
            "[{top_k: {values: float16}}, quantise]",
            "strategy.filters.0 sends values of 16 bits, which quantise does not read"
        ),
        ("[{svt: {fraction: 0}}]", "strategy.filters.0.svt.fraction is 0; write a number above 0, up to 1."),
        (
            "[{svt: {form: legacy, epsilon_query: 0.05}}]",
            "strategy.filters.0.svt cannot be taken; The filter sparse-vector: epsilon_threshold"
        ),
        ("[{svt: {epsilon_query: 0.2}}]", "is a part of epsilon"),
        ("[{percentile: {percentile: 101}}]", "strategy.filters.0.percentile.percentile is 101; write 0 to 100."),
        ("[exclude]", "strategy.filters.0.exclude cannot be taken; The filter exclude names no tensor."),
        ("[{exclude: {pattern: \"(\"}}]", "is no regular expression"),
        ("[{top_k: {fraction: 1.5}}]", "strategy.filters.0.top_k.fraction is 1.5; write a number above 0, up to 1."),
        ("[{block: difference}]", "lets no difference out"),
    ])
    func whatDoesNotWorkWithDifferencesIsRefused(filters: String, expected: String) {
        let told = faults("strategy: {update: difference, filters: \(filters)}")
        #expect(told.contains { $0.contains(expected) }, "\(told)")
    }

    // MARK: FLARE's blocks

    @Test func flaresSparseUpdateIsAFilter() throws {
        let block = "privacy: {sparse_update: {enabled: true, top_k_percent: 5}}\n"
        let run = try file(block + "strategy: {update: difference, filters: [svt, quantise]}")
        #expect(run.strategy.filters.map(\.word) == ["svt", "top_k", "quantise"])
        guard case .topK(let settings) = run.strategy.filters[1] else {
            Issue.record("\(run.strategy.filters)")
            return
        }
        #expect(settings.fraction == 0.05 && settings.feedsBack)
        #expect(try RunFile(yaml: run.yaml(), file: "run.yaml") == run.resolved)
        let off = try file("privacy: {sparse_update: {enabled: false, top_k_percent: 10}}")
        #expect(off.strategy.filters.isEmpty)
        #expect(faults(block).contains { $0.contains("top_k, which works on differences") })
        #expect(
            faults("privacy: {sparse_update: {top_k_percent: 500}}\nstrategy: {update: difference}").contains {
                $0.contains("strategy.filters.0.top_k.fraction is 5; write a number above 0, up to 1.")
            })
    }

    @Test func flaresEncryptionIsReadInItsOwnWords() throws {
        let run = try file(
            "strategy: {secure_aggregation: {ckks: {poly_modulus_degree: 8192, coeff_mod_bit_sizes: [60, 40, 40], scale_bits: 40, scheme: CKKS}}}"
        )
        guard case .ckks(let settings) = run.strategy.secureAggregation else {
            Issue.record("\(run.strategy.secureAggregation)")
            return
        }
        #expect(try settings.parameters() == .flare)
        #expect(try RunFile(yaml: run.yaml(), file: "run.yaml") == run.resolved)
        #expect(
            faults("strategy: {secure_aggregation: {ckks: {scheme: BFV}}}").contains {
                $0.contains("strategy.secure_aggregation.ckks.scheme is \"BFV\"; write one of CKKS.")
            })
        #expect(
            faults("strategy: {secure_aggregation: {ckks: {poly_modulus_degree: 1024}}}").contains {
                $0.contains("is not secure at degree 1024")
            })
    }

    // MARK: What people are told

    @Test(arguments: [
        ("filters: []", 4_000), ("filters: [half-precision]", 2_000), ("filters: [svt]", 4_000),
        ("filters: [top_k]", 500), ("filters: [{top_k: {values: float16}}]", 300),
        ("filters: [{top_k: {fraction: 0.5}}, {quantise: {bits: 8}}]", 625), ("filters: [quantise]", 2_000),
        ("secure_aggregation: masks", 4_000), ("secure_aggregation: lattice", 6_750),
    ])
    func anUpdatesSizeIsEstimated(strategy: String, bytes: Int) throws {
        let run = try file("strategy: {update: difference, \(strategy)}")
        #expect(try run.strategy.bytesOfUpdate(values: 1_000) == bytes)
    }

    @Test func aRunSaysWhatItsFiltersGive() throws {
        let run = try file(
            "strategy: {update: difference, filters: [{svt: {form: legacy, fraction: 0.9, epsilon: 0.001, noise_var: 1}}, top_k]}\ntraining: {rounds: 10}"
        )
        let facts = try run.privacyFacts(values: 4_702_227)
        #expect(facts.map(\.name) == ["Filter svt", "Filter top_k"])
        #expect(facts[0].value.contains("gives no differential privacy") && facts[0].value.contains("in 10 rounds"))
        #expect(facts[0].value.contains("not a patient-level guarantee"))
        #expect(facts[1].value == "The largest 10 % of the values are sent. It saves bytes and promises no privacy.")
        #expect(try run.privacyFacts(values: nil)[0].value.hasPrefix("Were the network of a million values: "))
        #expect(try file("").privacyFacts(values: nil).isEmpty)
        let masks = try file("strategy: {secure_aggregation: masks}").privacyFacts(values: nil)
        #expect(masks.map(\.name) == ["Secure sums"] && masks[0].value == SecureSumSettings().protection)
        let two = try file("strategy: {secure_aggregation: {lattice: {allow_two_sites: true}}}")
        #expect(try two.privacyFacts(values: nil)[0].value.contains("no protection between them"))
        let ckks = try file("strategy: {secure_aggregation: ckks}").privacyFacts(values: nil)
        #expect(ckks[0].value.contains("one key"))
    }
}
