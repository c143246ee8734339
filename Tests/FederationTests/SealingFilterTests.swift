import FederationTesting
import Federation
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A filter whose updates open only together.
@Suite struct SealingFilterTests {
    /// Hides every value behind a number that only the sum of all takes away; here nobody looks for it.
    private struct Sum: SealingFilter {
        let name = "sum"
        var fewestUpdates = 3
        /// Sites whose sealed update is not as it must be, and those that are lost while the sum is opened.
        var malformed: Set<String> = []
        var silent: Set<String> = []
        /// Whether what is opened holds NaN.
        var isSpoiled = false

        func admit(_ plan: SharingPlan) throws {
            if plan.shares.contains(where: { $0.members.count < 3 }) {
                throw FederationError.setting("too few share it")
            }
        }
        func exchange(_ moment: FilterMoment, _ round: SealedRound) throws -> (any Preparation)? {
            moment == .afterTraining ? Opening(round: round.round) : nil
        }
        func answer(_ question: Data, site: String) async throws -> Data {
            if silent.contains(site) { throw FederationError.site("it keeps silent") }
            return question
        }
        func check(_ update: ModelUpdate, from site: String, _ round: SealedRound) throws {
            if malformed.contains(site) { throw FederationError.unusableUpdate(site: site, fact: "it is malformed") }
        }
        func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }

        func open(_ updates: [String: ModelUpdate], _ round: SealedRound) async throws -> OpenedUpdate {
            let sites = updates.keys.sorted()
            let total = sites.reduce(0) { $0 + round.weights[$1]! }
            let tensors = try round.plan.shares.map { share in
                var mean = [Double](repeating: 0, count: share.tensor.count)
                for site in sites {
                    let values = try updates[site]!.tensors.weights()[share.members[site]!]!.floats!
                    for (i, value) in values.enumerated() { mean[i] += round.weights[site]! / total * Double(value) }
                }
                return Weights.Tensor(
                    share.tensor.name, mean.map { isSpoiled ? .nan : Float($0) }, shape: share.tensor.shape)
            }
            return OpenedUpdate(Weights(tensors), of: sites)
        }

        private struct Opening: Preparation {
            let round: Int
            var isAsked = false
            var name: String { "opening" }
            var addressee: Question.Addressee { .filter("sum") }
            var goesOnWithoutLostSites: Bool { true }
            mutating func next(_ answers: [String: Data], sites: [String]) throws -> [String: Data]? {
                defer { isAsked = true }
                return isAsked ? nil : Dictionary(uniqueKeysWithValues: sites.map { ($0, Data()) })
            }
        }
    }

    private struct Doubling: UpdateFilter {
        let name = "doubling"
        func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }
        func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
            #expect(context.site == FilterContext.allSites)
            var update = update
            update.tensors = Weights(
                try update.tensors.weights().tensors.map {
                    Weights.Tensor($0.name, $0.floats!.map { 2 * $0 }, shape: $0.shape)
                })
            return update
        }
    }

    private func run(
        _ filters: [any UpdateFilter], content: ModelUpdate.Content = .difference,
        optimizer: ServerOptimizer = .replace, faults: [String: [Int: ToyFault]] = [:], minimumSites: Int = 3
    ) async throws -> RunResult {
        var strategy = Strategy()
        (strategy.filters, strategy.content, strategy.serverOptimizer) = (filters, content, optimizer)
        strategy.minimumSites = minimumSites
        let coordinator = try Coordinator(RunSettings(rounds: 2), strategy: strategy)
        for (index, name) in ["a", "b", "c", "d"].enumerated() {
            let learner = ToyLearner(
                toySite(name, examples: 10 + index), target: Float(index), faults: faults[name] ?? [:])
            try await coordinator.join(InProcessLink(Site(name: name, learner: learner, filters: filters)))
        }
        return try await coordinator.run()
    }

    private func expectClose(_ a: RunResult, _ b: RunResult) {
        for (x, y) in zip(a.global.tensors, b.global.tensors) {
            for (p, q) in zip(x.floats!, y.floats!) { #expect(abs(p - q) < 1e-5) }
        }
    }

    @Test func theOpenedMeanGoesOnAsTheMeanOfPlainUpdatesDoes() async throws {
        for content in [ModelUpdate.Content.difference, .weights] {
            for optimizer in [ServerOptimizer.replace, .adam()] {
                let sealed = try await run([Sum()], content: content, optimizer: optimizer)
                expectClose(sealed, try await run([], content: content, optimizer: optimizer))
                #expect(sealed.reports[0].participants == ["a", "b", "c", "d"])
                #expect(sealed.reports[0].validation["dice"] != nil)
            }
        }
    }

    @Test func theOtherFiltersWorkOnTheOpenedMean() async throws {
        expectClose(try await run([Doubling(), Sum()], content: .difference), try await run([DoublingEach()]))
    }

    /// The plain counterpart: each update by itself.
    private struct DoublingEach: UpdateFilter {
        let name = "doubling"
        func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }
        func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
            try await Doubling().atServer(update, FilterContext(round: 0, site: FilterContext.allSites))
        }
    }

    @Test func aMalformedUpdateIsLeftOutBeforeTheSumIsOpened() async throws {
        let result = try await run([Sum(malformed: ["b"])])
        #expect(result.reports[1].participants == ["a", "c", "d"])
        #expect("\(result.reports[1].sites[1].part)".contains("it is malformed"))
        expectClose(result, try await run([], faults: ["b": [1: .broken, 2: .broken]]))
    }

    @Test func aSiteThatIsLostWhileTheSumIsOpenedIsInIt() async throws {
        // Also where the round needs every site's update: it came.
        for minimum in [3, 4] {
            let result = try await run([Sum(silent: ["d"])], minimumSites: minimum)
            #expect(result.reports[0].participants == ["a", "b", "c", "d"])
            expectClose(result, try await run([]))
        }
    }

    @Test func whatIsOpenedIsChecked() async throws {
        await #expect {
            _ = try await run([Sum(isSpoiled: true)])
        } throws: {
            "\($0)".contains("The update of all sites is refused: encoder.0.conv.weight holds NaN")
        }
    }

    @Test func aSealedUpdateDoesNotOpenByItself() async throws {
        await #expect(throws: FederationError.self) {
            let update = ModelUpdate(.difference, Weights(), examples: 1, steps: 1)
            _ = try await Sum().atServer(update, FilterContext(round: 1, site: "a"))
        }
    }

    // MARK: What cannot go beside it

    private func refusal(_ change: (inout Strategy) -> Void) -> String? {
        var strategy = Strategy()
        (strategy.filters, strategy.minimumSites) = ([Sum()], 3)
        change(&strategy)
        do { try strategy.validate() } catch { return "\(error)" }
        return nil
    }

    @Test func strategiesThatReadSingleUpdatesAreRefused() {
        #expect(refusal { _ in } == nil)
        #expect(
            refusal {
                $0.aggregator = RobustMean.coordinateMedian; $0.minimumSites = 4
            }?.contains("weighted mean") == true)
        #expect(
            refusal {
                $0.aggregator = Krum(faulty: 1); $0.minimumSites = 9
            }?.contains("weighted mean") == true)
        #expect(refusal { $0.keepsModelOfEachModality = true }?.contains("keep none") == true)
        #expect(refusal { $0.weighting = SiteWeighting(.steps) }?.contains("by examples") == true)
        #expect(refusal { $0.minimumSites = 2 }?.contains("at least 3") == true)
        #expect(refusal { $0.filters = [Sum(), HalfPrecision()] }?.contains("be the last") == true)
        #expect(refusal { $0.filters = [Sum(), Sum()] }?.contains("be the last") == true)
        var plain = Strategy()
        plain.aggregator = RobustMean.coordinateMedian
        #expect(plain.sealing == nil && plain.needsPlainUpdates.count == 1)
    }

    @Test func singleSitesModelsAreNotSent() async throws {
        let site = Site(name: "a", learner: ToyLearner(toySite("a"), target: 1), filters: [Sum()])
        await #expect {
            _ = try await site.perform(.sendModel)
        } throws: {
            "\($0)".contains("does not send its own model")
        }
        var strategy = Strategy()
        (strategy.filters, strategy.minimumSites) = ([Sum()], 3)
        let coordinator = try Coordinator(RunSettings(rounds: 1), strategy: strategy)
        let result = try await run([])
        await #expect(throws: FederationError.self) { _ = try await coordinator.crossValidate(result) }
    }
}
