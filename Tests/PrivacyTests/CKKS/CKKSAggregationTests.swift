import Federation
import FederationTesting
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Whole runs of toy sites whose models the server cannot read.
@Suite struct CKKSAggregationTests {
    private static let key = Data(repeating: 5, count: 32)

    private func learners(
        _ faults: [Int: ToyFault] = [:], of failing: Set<String> = ["d"], disks: [String: ToyDisk] = [:]
    ) -> [ToyLearner] {
        [("a", 1, 5), ("b", 2, 10), ("c", 4, 20), ("d", 3, 7)].map { name, target, examples in
            ToyLearner(
                toySite(name, examples: examples), target: Float(target), faults: failing.contains(name) ? faults : [:],
                disk: disks[name] ?? ToyDisk())
        }
    }

    private func strategy(_ rule: SiteWeighting.Rule = .examples, content: ModelUpdate.Content = .weights) throws
        -> Strategy
    {
        var strategy = Strategy()
        strategy.filters = [try CKKSAggregation(run: "run", weighting: rule, content: content, key: nil)]
        strategy.aggregator = CKKSSum()
        strategy.minimumSites = 3
        strategy.weighting = SiteWeighting(rule)
        return strategy
    }

    private func run(
        _ learners: [ToyLearner], _ rule: SiteWeighting.Rule = .examples, rounds: Int = 3, folder: URL? = nil,
        content: ModelUpdate.Content = .weights, between: (any UpdateFilter)? = nil,
        key: (String) -> Data = { _ in CKKSAggregationTests.key }
    ) async throws -> RunResult {
        let strategy = try strategy(rule, content: content)
        let coordinator = try Coordinator(
            RunSettings(rounds: rounds), strategy: strategy, folder: try folder.map { try RunFolder($0) })
        for learner in learners {
            let name = await learner.site.name
            let own = try CKKSAggregation(run: "run", weighting: rule, content: content, key: key(name))
            let site = try CKKSLearner.site(
                name: name, learner: learner, filters: between.map { [$0] } ?? [], aggregation: own)
            try await coordinator.join(InProcessLink(site))
        }
        return try await coordinator.run()
    }

    private func plainRun(_ learners: [ToyLearner], _ rule: SiteWeighting.Rule, rounds: Int = 3) async throws
        -> RunResult
    {
        var strategy = Strategy()
        strategy.weighting = SiteWeighting(rule)
        let coordinator = try Coordinator(RunSettings(rounds: rounds), strategy: strategy)
        for learner in learners {
            try await coordinator.join(InProcessLink(Site(name: await learner.site.name, learner: learner)))
        }
        return try await coordinator.run()
    }

    @Test(arguments: [SiteWeighting.Rule.examples, .uniform])
    func aRunIsThePlainOne(rule: SiteWeighting.Rule) async throws {
        let (sealed, plain) = (learners(), learners())
        let result = try await run(sealed, rule)
        let expected = try await plainRun(plain, rule)
        for (a, b) in zip(sealed, plain) {
            let (mine, theirs) = (try #require(await a.finished), try #require(await b.finished))
            #expect(mine.descriptions == theirs.descriptions)
            for (x, y) in zip(mine.tensors, theirs.tensors) {
                #expect(zip(x.floats!, y.floats!).allSatisfy { abs($0 - $1) < 1e-6 })
            }
        }
        // Judged at the sites, as if it had come plain.
        for (a, b) in zip(result.reports, expected.reports) {
            #expect(abs(a.validation["dice"]! - b.validation["dice"]!) < 1e-6)
        }
        // The server has one tensor of bytes, in which no value of the model is to be found.
        let model = try #require(await sealed[0].finished)
        #expect(result.global.descriptions.map(\.type) == [.uint8])
        let bytes = Data(result.global.tensors[0].bytes)
        for tensor in model.tensors {
            #expect(bytes.firstRange(of: Data(tensor.bytes.prefix(16))) == nil)
        }
    }

    @Test func aSiteThatFailsIsLeftOut() async throws {
        let sites = learners([2: .broken])
        let result = try await run(sites)
        #expect(result.reports.map(\.participants) == [["a", "b", "c", "d"], ["a", "b", "c"], ["a", "b", "c", "d"]])
        let sealedAgain = learners([2: .broken])
        let plain = try await plainRun(sealedAgain, .examples)
        let (mine, theirs) = (try #require(await sites[0].finished), plain.global)
        for (x, y) in zip(mine.tensors, theirs.tensors) {
            #expect(zip(x.floats!, y.floats!).allSatisfy { abs($0 - $1) < 1e-6 })
        }
    }

    @Test func whatIsNotFiniteIsRefusedAtTheSite() async throws {
        let result = try await run(learners([2: .notANumber]))
        #expect(result.reports[1].participants == ["a", "b", "c"])
    }

    @Test func aSiteWithAnotherKeyIsOnlyHarmful() async throws {
        // It cannot open the model to begin with, and takes no part.
        let result = try await run(learners(), key: { $0 == "d" ? Data(repeating: 6, count: 32) : Self.key })
        #expect(result.reports.allSatisfy { $0.participants == ["a", "b", "c"] })
    }

    @Test func theServerNeedsNoKeyAndASiteDoes() async throws {
        let keyless = try CKKSAggregation(run: "run", key: nil)
        #expect(throws: PrivacyError.self) { try CKKSLearner(learners()[0], site: "a", aggregation: keyless) }
        let update = ModelUpdate(.weights, toyWeights(toySite("a"), seed: 1), examples: 1, steps: 1)
        await #expect(throws: PrivacyError.self) {
            try await keyless.atSite(update, FilterContext(round: 1, site: "a"))
        }
        // What is not sealed is refused.
        await #expect(throws: PrivacyError.self) {
            try await keyless.atServer(update, FilterContext(round: 1, site: "a"))
        }
    }

    @Test func anUpdateOfAnotherSiteOrRoundIsRefused() async throws {
        let site = try CKKSAggregation(run: "run", key: Self.key)
        let server = try CKKSAggregation(run: "run", key: nil)
        let update = ModelUpdate(.weights, toyWeights(toySite("a"), seed: 1), examples: 4, steps: 1)
        let sealed = try await site.atSite(update, FilterContext(round: 2, site: "a"))
        _ = try await server.atServer(sealed, FilterContext(round: 2, site: "a"))
        var more = sealed
        more.examples = 400
        for (update, context) in [
            (sealed, FilterContext(round: 3, site: "a")), (sealed, FilterContext(round: 2, site: "b")),
            (more, FilterContext(round: 2, site: "a")),
        ] {
            await #expect(throws: PrivacyError.self) { try await server.atServer(update, context) }
        }
        var difference = update
        difference.content = .difference
        await #expect(throws: PrivacyError.self) {
            try await site.atSite(difference, FilterContext(round: 2, site: "a"))
        }
    }

    /// A server that sends a site another's update, an old sum, or a sum with a bit changed, in place of the model.
    @Test func aServerThatCheatsOpensNothing() async throws {
        let own = try CKKSAggregation(run: "run", fewestSites: 2, key: Self.key)
        let toys = learners()
        let learner = try CKKSLearner(toys[0], site: "a", aggregation: own)
        let plan = try SharingPlan(
            sites: try await [learner.describe(), CKKSLearner(toys[1], site: "b", aggregation: own).describe()],
            sharing: Sharing()
        )
        func update(_ name: String, round: Int) async throws -> ModelUpdate {
            try await own.atSite(
                ModelUpdate(.weights, toyWeights(toySite(name), seed: 1), examples: 4, steps: 1),
                FilterContext(round: round, site: name))
        }
        func contribution(_ index: Int, round: Int) async throws -> Contribution {
            let site = await toys[index].site
            return Contribution(
                site: site, content: .weights, tensors: try await update(site.name, round: round).tensors,
                weight: try SiteWeighting().weight(of: site, examples: 4, steps: 1))
        }
        let global = try await learner.initialWeights()
        let sum = try await CKKSSum().combine(
            [contribution(0, round: 1), contribution(1, round: 1)], plan: plan, global: global)
        func task(_ model: Weights, round: Int) -> TrainTask { TrainTask(round: round, rounds: 3, model: model) }
        _ = try await learner.train(task(global, round: 1))
        _ = try await learner.train(task(sum, round: 2))
        var changed = [UInt8](sum.tensors[0].bytes)
        changed[40_000] ^= 1
        let tampered = Weights([
            Weights.Tensor(
                sum.tensors[0].description,
                storage: TensorStorage(byteCount: changed.count) { $0.copyBytes(from: changed) })
        ])
        let another = try await update("b", round: 1).tensors.weights()
        for (model, round) in [(another, 2), (sum, 3), (sum, 1), (global, 2), (tampered, 2)] {
            await #expect(throws: PrivacyError.self) { try await learner.train(task(model, round: round)) }
        }
        await #expect(throws: PrivacyError.self) {
            try await CKKSSum().combine(
                [contribution(0, round: 1), contribution(1, round: 2)], plan: plan, global: global)
        }
        await #expect(throws: PrivacyError.self) { try await learner.model() }
    }

    @Test func aRunThatBrokeOffGoesOnFromItsSealedModel() async throws {
        let folder = try TemporaryFolder()
        let disks = Dictionary(uniqueKeysWithValues: ["a", "b", "c", "d"].map { ($0, ToyDisk()) })
        await #expect(throws: FederationError.self) {
            try await run(
                learners([3: .broken], of: ["a", "b"], disks: disks), rounds: 4, folder: folder.url)
        }
        let sites = learners(disks: disks)
        let result = try await run(sites, rounds: 4, folder: folder.url)
        #expect(result.reports.count == 4)
        let whole = learners()
        _ = try await plainRun(whole, .examples, rounds: 4)
        let (mine, theirs) = (try #require(await sites[0].finished), try #require(await whole[0].finished))
        for (x, y) in zip(mine.tensors, theirs.tensors) {
            #expect(zip(x.floats!, y.floats!).allSatisfy { abs($0 - $1) < 1e-6 })
        }
    }

    /// Filters and noise before the sealing see differences; what is sealed is the model.
    @Test func differencesAreAddedToTheModelAtTheSites() async throws {
        let (sealed, plain) = (learners(), learners())
        let result = try await run(sealed, content: .difference, between: OnlyDifferences())
        #expect(result.reports.allSatisfy { $0.participants.count == 4 })
        _ = try await plainRun(plain, .examples)
        for (a, b) in zip(sealed, plain) {
            let (mine, theirs) = (try #require(await a.finished), try #require(await b.finished))
            for (x, y) in zip(mine.tensors, theirs.tensors) {
                #expect(zip(x.floats!, y.floats!).allSatisfy { abs($0 - $1) < 1e-6 })
            }
        }
        await #expect(throws: FederationError.self) { try await run(learners(), rounds: 1, between: OnlyDifferences()) }
    }

    @Test func filtersBeforeItSeePlainValues() async throws {
        let seen = try await run(learners(), rounds: 1, between: OnlyFloats())
        #expect(seen.reports[0].participants.count == 4)
    }

    @Test func whatNeedsPlainUpdatesIsToldBeforehand() throws {
        let filter = try CKKSAggregation(run: "run", key: nil)
        #expect(filter.misfits(try strategy()) == [])
        let changes: [(inout Strategy) -> Void] = [
            { $0.aggregator = RobustMean.coordinateMedian }, { $0.serverOptimizer = .adam() },
            { $0.content = .difference }, { $0.weighting = SiteWeighting(.uniform) },
            { $0.keepsModelOfEachModality = true }, { $0.filters.append(HalfPrecision()) },
            { $0.minimumSites = 2 },
        ]
        for change in changes {
            var strategy = try strategy()
            change(&strategy)
            #expect(filter.misfits(strategy).count == 1)
        }
        #expect(throws: PrivacyError.self) { try CKKSAggregation(run: "run", weighting: .steps, key: nil) }
        #expect(throws: PrivacyError.self) { try CKKSAggregation(run: "run", fewestSites: 1, key: nil) }
    }
}

/// Refuses what is not plain.
private struct OnlyFloats: UpdateFilter {
    let name = "only floats"
    func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        guard update.tensors.descriptions.allSatisfy({ $0.type == .float32 }) else {
            throw FederationError.site("An update came sealed to a filter.")
        }
        return update
    }
    func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }
}

/// Refuses whole models.
private struct OnlyDifferences: UpdateFilter {
    let name = "only differences"
    func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        guard update.content == .difference else { throw FederationError.site("A whole model came to a filter.") }
        return update
    }
    func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }
}
