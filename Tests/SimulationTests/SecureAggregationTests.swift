import Federation
import Learning
import NNUNet
import Privacy
import Study
import Testing
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Three tiny hospitals whose updates nobody sees, or sees filtered.
@Suite(.serialized) struct SecureAggregationTests {
    private static let names = ["north", "south", "west"]

    private func outcome(_ data: PhantomFederation, _ name: String, _ strategy: String, rounds: Int = 1) async throws
        -> FederatedRun.Outcome
    {
        let sites = "sites: [\(Self.names.map { "{name: \($0), dataset: 1}" }.joined(separator: ", "))]\n"
        let run = try RunFile(yaml: sites + strategy)
        let output = data.url.appending(path: name)
        let made = try run.makeStrategy(
            at: StrategyPlace(
                run: name, folder: output.appending(path: "filters"), keys: .simulated(sites: Self.names),
                ckksKey: CKKSKey.randomBytes()))
        var federated = FederatedRun(
            title: name,
            sites: data.hospitals.indices.map { index in
                let learner = data.learner(index, run: name)
                let name = data.hospitals[index].name
                return FederatedRun.Site(name: name) {
                    InProcessLink(
                        Federation.Site(name: name, learner: try made.learner(learner, of: name), filters: made.filters)
                    )
                }
            }, settings: RunSettings(rounds: rounds), strategy: made, preparation: NNUNetPreparation.Order(),
            output: output)
        federated.judgesAcrossSites = false
        federated.privacyFacts = { try run.privacyFacts(values: $0) }
        return try await federated.run { _ in }
    }

    private func federation() throws -> PhantomFederation {
        try PhantomFederation([.init(name: "north"), .init(name: "south", cases: 8), .init(name: "west")])
    }

    private func distance(_ a: Weights, _ b: Weights) throws -> Float {
        #expect(a.descriptions == b.descriptions)
        return try zip(a.tensors, b.tensors).map { x, y in
            zip(try #require(x.floats), try #require(y.floats)).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        }.max() ?? .infinity
    }

    private func floats(_ tensor: NamedTensor) -> [Float] {
        tensor.array.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }

    /// As the second site has it at the end.
    private func model(_ data: PhantomFederation, _ run: String) throws -> [NamedTensor] {
        let folder = data.folders(run).modelFolder(
            dataset: data.dataset(1), trainer: "nnUNetTrainer", plans: "nnUNetPlans", configuration: "3d_fullres")
        return try NNUNetCheckpoint(contentsOf: folder.appending(path: "fold_0/checkpoint_final.pth")).weights
    }

    @Test func sumsUnderMasksGiveThePlainModel() async throws {
        let data = try federation()
        for update in ["weights", "difference"] {
            let plain = try await outcome(data, "plain-\(update)", "strategy: {update: \(update)}")
            let before = try await outcome(data, "none-\(update)", "strategy: {update: \(update)}", rounds: 2)
            // The comparison would see a model that was not trained.
            #expect(try distance(plain.result.global, before.result.global) > 1e-4)
            for form in ["masks", "lattice"] {
                let sealed = try await outcome(
                    data, "\(form)-\(update)", "strategy: {update: \(update), secure_aggregation: \(form)}")
                #expect(try distance(sealed.result.global, plain.result.global) <= 1e-6)
                #expect(sealed.result.reports.map(\.participants) == [Self.names])
                #expect(sealed.facts.more.map(\.name) == ["Secure sums"])
                #expect(sealed.models.count == 1)
            }
        }
    }

    /// The server holds bytes; each site has the model, which is the plain one.
    @Test func underCKKSSitesAloneHaveTheModel() async throws {
        let data = try federation()
        let plain = try await outcome(data, "plain", "")
        let sealed = try await outcome(data, "ckks", "strategy: {secure_aggregation: ckks}")
        #expect(sealed.models.isEmpty && sealed.result.global.tensors.count == 1)
        #expect(sealed.result.global.tensors[0].description.type == .uint8)
        #expect(sealed.records.last?.globalMetrics["dice"]?.isFinite == true)
        let (a, b) = (try model(data, "plain"), try model(data, "ckks"))
        #expect(a.map(\.name) == b.map(\.name) && !a.isEmpty)
        for (a, b) in zip(a, b) {
            let (x, y) = (floats(a), floats(b))
            #expect(x.count == y.count && zip(x, y).allSatisfy { abs($0 - $1) <= 1e-6 }, "\(a.name)")
        }
        #expect(plain.models.count == 1)
    }

    /// Noise of the sites' own under each way of hiding updates: σ·C on the sum, a third of it on the mean.
    @Test(arguments: ["masks", "lattice", "ckks"]) func sharedNoiseIsInTheSum(form: String) async throws {
        let data = try federation()
        _ = try await outcome(data, "plain", "strategy: {update: difference, weights: uniform}")
        let noisy = try await outcome(
            data, "noisy",
            """
            strategy: {weights: uniform, update: difference, minimum_sites: 3, secure_aggregation: \(form)}
            privacy: {differential_privacy: {unit: site, noise_multiplier: 100, delta: 1e-3, clipping_norm: 0.01, noise: {shared: 3}}}
            """)
        #expect(noisy.result.reports.map(\.participants) == [Self.names])
        var (squares, count) = (0.0, 0.0)
        for (a, b) in zip(try model(data, "plain"), try model(data, "noisy")) {
            for (x, y) in zip(floats(a), floats(b)) {
                squares += Double(x - y) * Double(x - y)
                count += 1
            }
        }
        // Of more than 10,000 values the standard deviation is known to a hundredth; five of those.
        #expect(count > 10_000 && abs((squares / count).squareRoot() * 3 - 1) < 0.05)
    }

    @Test func whatFiltersLeaveOutStaysAtTheSite() async throws {
        let data = try federation()
        let plain = try await outcome(data, "plain", "strategy: {update: difference}", rounds: 2)
        let sparse = try await outcome(
            data, "sparse",
            "strategy: {update: difference, filters: [{top_k: {fraction: 0.1}}, {quantise: {bits: 16}}]}",
            rounds: 2)
        let bytes = { (outcome: FederatedRun.Outcome) in outcome.records.last!.bytesUp }
        #expect(bytes(sparse) * 5 < bytes(plain))
        #expect(try distance(sparse.result.global, plain.result.global).isFinite)
        let kept = try FileManager.default.contentsOfDirectory(atPath: data.url.appending(path: "sparse/filters").path)
        // Of each filter and site.
        #expect(kept.count == 6)
        #expect(sparse.facts.more.map(\.name) == ["Filter top_k", "Filter quantise"])
    }

    @Test func flaresNoisyFilterRuns() async throws {
        let data = try federation()
        let noisy = try await outcome(
            data, "svt",
            "strategy: {update: difference, filters: [{svt: {form: legacy, fraction: 0.9, epsilon: 0.001, noise_var: 1, gamma: 0.0001}}], secure_aggregation: masks}"
        )
        #expect(noisy.result.reports.map(\.participants) == [Self.names])
        let fact = try #require(noisy.facts.more.first)
        #expect(fact.name == "Filter svt" && fact.value.contains("no differential privacy"))
    }
}
