import Federation
import FederationTesting
import Foundation
import Privacy
import Testing

/// Whole federated runs through the filters, with both halves where they belong.
@Suite struct FilteredRunTests {
    private func run(
        _ filters: [any UpdateFilter], rounds: Int, faults: [String: [Int: ToyFault]] = [:],
        disks: [String: ToyDisk] = [:], folder: URL? = nil
    ) async throws -> RunResult {
        var strategy = Strategy()
        strategy.filters = filters
        strategy.content = .difference
        strategy.serverOptimizer = .replace
        strategy.minimumSites = 2
        let coordinator = try Coordinator(
            RunSettings(rounds: rounds), strategy: strategy, folder: try folder.map { try RunFolder($0) })
        for (index, name) in ["a", "b", "c"].enumerated() {
            let learner = ToyLearner(
                toySite(name), target: Float(index), faults: faults[name] ?? [:], disk: disks[name] ?? ToyDisk())
            try await coordinator.join(InProcessLink(Site(name: name, learner: learner, filters: filters)))
        }
        return try await coordinator.run()
    }

    private func compression(_ folder: URL, _ fraction: Double = 0.2) throws -> [any UpdateFilter] {
        var settings = TopK.Settings()
        settings.fraction = fraction
        var eight = Quantise.Settings()
        eight.width = .eight
        return [try TopK(settings, folder: folder), Quantise(eight, folder: folder)]
    }

    private func distance(_ a: Weights, _ b: Weights) -> Float {
        zip(a.tensors.flatMap { $0.floats! }, b.tensors.flatMap { $0.floats! }).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    /// A fifth of the values in 8 bits: the model arrives where it would have, a few rounds later.
    @Test func compressedRunsEndWhereWholeOnesDo() async throws {
        let folder = try TemporaryFolder()
        let whole = try await run([], rounds: 20)
        let compressed = try await run(try compression(folder.url), rounds: 20)
        let start = toyWeights(toySite("a"), seed: 7)
        #expect(distance(compressed.global, whole.global) < 0.35 * distance(start, whole.global))
        #expect(compressed.reports.allSatisfy { $0.sites.allSatisfy { $0.part == .took } })
        let bytes = (whole.reports[0].sites[0].bytesReceived, compressed.reports[0].sites[0].bytesReceived)
        #expect(bytes.1 < bytes.0, "\(bytes)")
    }

    @Test func everyFilterPassesThroughARun() async throws {
        let folder = try TemporaryFolder()
        var percentile = Percentile.Settings()
        percentile.gamma = 1
        var vector = SparseVector.Settings()
        (vector.fraction, vector.gamma, vector.noiseVariance) = (0.5, 1, 1e6)
        let filters: [any UpdateFilter] =
            [
                try Blocker(Blocker.Settings([.weights])), try Exclude(Exclude.Settings(pattern: "^head")),
                try Percentile(percentile), try SparseVector(vector, randomness: .seeded(1)),
            ] + (try compression(folder.url))
        try FilterOrder.check([.blocker, .exclude, .percentile, .noise, .sparsify, .quantise])
        let result = try await run(filters, rounds: 3)
        #expect(result.reports.allSatisfy { $0.sites.allSatisfy { $0.part == .took } })
        let start = toyWeights(toySite("a"), seed: 7)
        #expect(result.global["head.weight"]?.floats == start["head.weight"]?.floats)
        #expect(result.global["encoder.0.weight"]?.floats != start["encoder.0.weight"]?.floats)
    }

    /// Breaks a round off at the server, after the sites know that their updates came.
    private struct Breaking: UpdateFilter {
        let name = "breaking"
        let round: Int?
        struct Crash: Error {}

        func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }
        func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
            if context.round == round { throw Crash() }
            return update
        }
    }

    /// Rounds that are broken off before and after the sites know that their updates came: they come again, and no value
    /// twice.
    @Test func aRunThatWasBrokenOffEndsAsItWouldHave() async throws {
        let folder = try TemporaryFolder()
        let unbroken = try await run(
            [Breaking(round: nil)] + (try compression(folder.url.appending(path: "unbroken"))), rounds: 6)
        let disks = ["a": ToyDisk(), "b": ToyDisk(), "c": ToyDisk()]
        func go(_ faults: [String: [Int: ToyFault]] = [:], breaking round: Int? = nil) async throws -> RunResult {
            try await run(
                [Breaking(round: round)] + (try compression(folder.url.appending(path: "sites"))), rounds: 6,
                faults: faults, disks: disks, folder: folder.url.appending(path: "server"))
        }
        await #expect(throws: FederationError.self) { try await go(["b": [3: .broken], "c": [3: .broken]]) }
        await #expect(throws: FederationError.self) { try await go(breaking: 4) }
        await #expect(throws: FederationError.self) { try await go(breaking: 4) }
        let broken = try await go()
        #expect(broken.global == unbroken.global)
    }
}
