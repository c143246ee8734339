import Federation
import FederationTesting
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct SiteLevelTests {
    private let temporary = try! TemporaryFolder()

    func settings(
        clip: Double = 1, sigma: Double = 2, noise: SiteLevelSettings.Noise = .server, weights: [String: Double]? = nil,
        adaptive: AdaptiveClipping? = nil
    ) -> SiteLevelSettings {
        SiteLevelSettings(
            clippingNorm: clip, noiseMultiplier: sigma, noise: noise, weights: weights, adaptive: adaptive)
    }

    func update(_ norm: Float, count: Int = 40_001) -> ModelUpdate {
        let values = [Float](repeating: norm / Float(Double(count).squareRoot()), count: count)
        let half = count / 3
        return ModelUpdate(
            .difference,
            Weights([
                Weights.Tensor("a", Array(values[..<half]), shape: [half]),
                Weights.Tensor("b", Array(values[half...]), shape: [count - half]),
            ]), examples: 7, steps: 5)
    }

    let context = FilterContext(round: 1, site: "a")

    // MARK: Clipping

    @Test func theWholeDifferenceIsClipped() async throws {
        let filter = try SiteLevelFilter(settings(clip: 0.5))
        for norm: Float in [0.51, 3, 1e4, 1e18] {
            let before = update(norm)
            let after = try await filter.atSite(before, context)
            let clipped = try after.tensors.norm()
            #expect(clipped <= 0.5 && clipped > 0.49999)
            // Its direction is the same, in every tensor.
            let factor = 0.5 / norm
            let (x, y) = (try before.tensors.weights(), try after.tensors.weights())
            for (a, b) in zip(x.tensors, y.tensors) {
                for (v, w) in zip(a.floats!, b.floats!) { #expect(abs(w / (v * factor) - 1) < 1e-4) }
            }
            _ = try await filter.atServer(after, context)
            await #expect(throws: PrivacyError.self) { try await filter.atServer(before, context) }
        }
        let small = update(0.4)
        #expect(try await filter.atSite(small, context).tensors.weights() == small.tensors.weights())
    }

    @Test func aPieceOfAClippedTensorIsAPieceOfTheWhole() async throws {
        let after = try await SiteLevelFilter(settings()).atSite(update(9), context).tensors
        let whole = try after.weights().tensors[1].floats!
        let bytes = whole.withUnsafeBytes { Array($0) }
        try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { scratch in
            for range in [0..<4, 3..<9, 5..<5, 100..<1111, bytes.count - 3..<bytes.count] {
                try after.withBytes(of: 1, in: range, scratch: scratch) { #expect($0.elementsEqual(bytes[range])) }
            }
        }
    }

    @Test func whatCannotBeClippedIsRefused() async throws {
        let filter = try SiteLevelFilter(settings())
        var weights = update(1)
        weights.content = .weights
        var counter = update(1)
        counter.tensors = Weights(
            try counter.tensors.weights().tensors + [
                Weights.Tensor(
                    TensorDescription(name: "batches", shape: [], type: .int64),
                    storage: TensorStorage(byteCount: 8) { $0.initializeMemory(as: UInt8.self, repeating: 1) })
            ])
        var halves = update(1)
        halves.tensors = ConvertedTensors(halves.tensors, from: .float32, to: .float16)
        var broken = update(1)
        broken.tensors = Weights([Weights.Tensor("a", [1, .nan], shape: [2])])
        var infinite = update(1)
        infinite.tensors = Weights([Weights.Tensor("a", [1, .infinity], shape: [2])])
        for update in [weights, counter, halves, broken, infinite] {
            await #expect(throws: PrivacyError.self) { try await filter.atSite(update, context) }
        }
        // The remedy is told.
        do { _ = try await filter.atSite(weights, context) } catch {
            #expect("\(error)".contains("content: difference"))
        }
        var passing = settings()
        passing.otherTensors = .passed
        let passed = try await SiteLevelFilter(passing).atSite(counter, context)
        #expect(try passed.tensors.weights()["batches"]?.bytes.first == 1)
    }

    // MARK: Noise

    func contributions(_ sites: [String], weights: [Double], content: ModelUpdate.Content = .difference) throws
        -> ([Contribution], SharingPlan, Weights)
    {
        let roles = [TensorRole(TensorDescription(name: "w", shape: [100_000]))]
        let descriptions = sites.map {
            SiteDescription(name: $0, examples: 1, dataset: "D", kind: "k", tensors: roles)
        }
        let plan = try SharingPlan(sites: descriptions, sharing: Sharing())
        let zeros = Weights([Weights.Tensor("w", [Float](repeating: 0, count: 100_000), shape: [100_000])])
        let all = try zip(descriptions, weights).map { site, weight in
            Contribution(
                site: site, content: content, tensors: zeros,
                weight: try SiteWeighting(.given([site.name: weight])).weight(of: site, examples: 1, steps: 1))
        }
        return (all, plan, zeros)
    }

    func deviation(_ weights: Weights) -> Double {
        let values = weights.tensors[0].floats!
        return (values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)).squareRoot()
    }

    /// A standard deviation of 100,000 normal values is off by more than 1.4 % with a probability below 10⁻⁹.
    private let tolerance = 0.014

    @Test func theServersNoiseIsThatOfTheLargestWeight() throws {
        for (weights, share) in [([1.0, 1, 1, 1], 0.25), ([1, 2, 5, 2], 0.5), ([3], 1)] {
            let (all, plan, global) = try contributions(
                Array(["a", "b", "c", "d"].prefix(weights.count)), weights: weights)
            let mean = try SiteLevelMean(settings(clip: 0.3, sigma: 2), source: .seeded(1))
            let noised = try mean.combine(all, plan: plan, global: global)
            #expect(abs(deviation(noised) / (2 * 0.3 * share) - 1) < tolerance)
            // Other noise every time.
            #expect(try mean.combine(all, plan: plan, global: global) != noised)
        }
    }

    @Test func aMeanWithoutDifferencesIsRefused() throws {
        let (all, plan, global) = try contributions(["a", "b"], weights: [1, 1], content: .weights)
        #expect(throws: PrivacyError.self) {
            try SiteLevelMean(settings()).combine(all, plan: plan, global: global)
        }
    }

    @Test func asManySitesAsNeededReachTheTargetTogether() async throws {
        for weights in [nil, ["a": 1.0, "b": 2, "c": 2]] {
            let shared = settings(clip: 0.3, sigma: 2, noise: .shared(fewestSites: 3), weights: weights)
            let filter = try SiteLevelFilter(shared, source: .seeded(3))
            var sum = [Double](repeating: 0, count: 40_001)
            for site in ["a", "b", "c"] {
                var own = update(0)
                own = try await filter.atSite(own, FilterContext(round: 1, site: site))
                let values = try own.tensors.weights().tensors.flatMap { $0.floats! }
                for index in sum.indices { sum[index] += (weights?[site] ?? 1) * Double(values[index]) }
                // To read it again tells no more.
                #expect(try own.tensors.weights() == own.tensors.weights())
            }
            let found = (sum.reduce(0) { $0 + $1 * $1 } / Double(sum.count)).squareRoot()
            let target = 2 * 0.3 * (weights == nil ? 1 : 2.0)
            #expect(abs(found / target - 1) < 0.022)
        }
        let (all, plan, global) = try contributions(["a", "b"], weights: [1, 1])
        let mean = try SiteLevelMean(settings(noise: .shared(fewestSites: 3)))
        #expect(throws: PrivacyError.self) { try mean.combine(all, plan: plan, global: global) }
    }

    // MARK: A run

    private func strategy(_ settings: SiteLevelSettings, norms: ClippingNorms? = nil, source: NoiseSource = .seeded(1))
        throws -> Strategy
    {
        var strategy = Strategy()
        strategy.content = .difference
        strategy.weighting = SiteWeighting(.uniform)
        strategy.filters = [try SiteLevelFilter(settings, norms: norms, source: source)]
        strategy.aggregator = try SiteLevelMean(settings, norms: norms, source: source)
        strategy.minimumSites = 3
        return strategy
    }

    private func run(_ strategy: Strategy, rounds: Int = 3, cap: Double = 100, targets: [Float] = [1, 2, 3])
        async throws
        -> RunResult
    {
        let coordinator = try Coordinator(RunSettings(rounds: rounds), strategy: strategy)
        for (index, target) in targets.enumerated() {
            let name = "site\(index)"
            let ledger = try PrivacyLedger(folder: temporary.url.appending(path: name))
            let learner = AccountedLearner(
                ToyLearner(toySite(name), target: target), ledger: ledger, run: "toy", siteLevel: [try .gaussian(5)],
                limits: PrivacyLimits(cap: try PrivacyBudget(epsilon: cap, delta: 1e-5)),
                plain: .init(statedExamples: 10))
            try await coordinator.join(InProcessLink(Site(name: name, learner: learner, filters: strategy.filters)))
        }
        return try await coordinator.run()
    }

    @Test func sitesThatClipAndBookLearn() async throws {
        var plain = Strategy()
        plain.content = .difference
        plain.weighting = SiteWeighting(.uniform)
        plain.minimumSites = 3
        let reference = try await run(plain)
        // So high a bound that nothing is clipped, and noise of a tenth in all: the model is nearly that of no privacy.
        let quiet = try await run(try strategy(settings(clip: 100, sigma: 1e-3)))
        for (x, y) in zip(reference.global.tensors, quiet.global.tensors) {
            for (a, b) in zip(x.floats!, y.floats!) { #expect(abs(a - b) < 0.5) }
        }
        #expect(quiet.global != reference.global)
        // Both runs are booked: six rounds.
        let ledger = try PrivacyLedger(folder: temporary.url.appending(path: "site0"))
        let expected = RenyiAccountant([try PrivacyEvent.gaussian(5).composed(6)]).epsilon(at: 1e-5)
        #expect(try await ledger.epsilon(of: .site, at: 1e-5) == expected)
        // No figures left the sites.
        #expect(quiet.reports.allSatisfy { $0.training.isEmpty && $0.validation.isEmpty })
        #expect(quiet.reports[0].sites[0].examples == 10 && quiet.reports[0].sites[0].steps == 0)
    }

    /// A run in which the sites make the noise, weighted as was agreed: what the noise of the mean is.
    @Test func sharedNoiseOfUnequalWeightsIsThatOfTheLargest() async throws {
        let weights = ["a": 1.0, "b": 2, "c": 5]
        let shared = settings(clip: 1e4, sigma: 1e-3, noise: .shared(fewestSites: 3), weights: weights)
        func run(_ filters: [any UpdateFilter]) async throws -> Weights {
            var strategy = Strategy()
            strategy.content = .difference
            strategy.weighting = SiteWeighting(.given(weights))
            strategy.minimumSites = 3
            strategy.filters = filters
            try filters.isEmpty ? () : shared.check(strategy)
            let coordinator = try Coordinator(RunSettings(rounds: 1), strategy: strategy)
            for (index, name) in weights.keys.sorted().enumerated() {
                let learner = ToyLearner(toySite(name, levels: 12), target: Float(index))
                try await coordinator.join(InProcessLink(Site(name: name, learner: learner, filters: filters)))
            }
            return try await coordinator.run().global
        }
        let plain = try await run([])
        let noised = try await run([try SiteLevelFilter(shared, source: .seeded(8))])
        var (squares, count) = (0.0, 0.0)
        for (x, y) in zip(plain.tensors, noised.tensors) {
            for (a, b) in zip(x.floats!, y.floats!) {
                squares += Double(b - a) * Double(b - a)
                count += 1
            }
        }
        // σ·C = 10, times 5/8. Of so many values a deviation is off by 6.2/√(2n) with a probability below 10⁻⁹.
        #expect(count > 250_000)
        #expect(abs((squares / count).squareRoot() / (10 * 5 / 8.0) - 1) < 6.2 / (2 * count).squareRoot())
    }

    @Test func aSiteBeyondItsCapDoesNotTrain() async throws {
        let three = RenyiAccountant([try PrivacyEvent.gaussian(5).composed(3)]).epsilon(at: 1e-5)
        do {
            _ = try await run(try strategy(settings()), rounds: 4, cap: three * 1.0001)
            Issue.record("the fourth round was trained")
        } catch {
            #expect("\(error)".contains("the site allows"), "\(error)")
        }
        let ledger = try PrivacyLedger(folder: temporary.url.appending(path: "site0"))
        #expect(try await ledger.epsilon(of: .site, at: 1e-5) == three)
    }

    @Test func strategiesThatBreakThePromiseAreRefused() throws {
        let settings = settings()
        let good = try strategy(settings)
        try settings.check(good)
        let changes: [(inout Strategy) -> Void] = [
            { $0.content = .weights }, { $0.weighting = SiteWeighting(.examples) },
            { $0.weighting = SiteWeighting(.uniform, groups: ["CT": 1]) }, { $0.aggregator = WeightedMean() },
            { $0.keepsModelOfEachModality = true },
        ]
        for change in changes {
            var strategy = good
            change(&strategy)
            #expect(throws: PrivacyError.self) { try settings.check(strategy) }
        }
        var shared = settings
        shared.noise = .shared(fewestSites: 4)
        #expect(throws: PrivacyError.self) { try shared.check(good) }
        var weighted = settings
        weighted.weights = ["site0": 1]
        #expect(throws: PrivacyError.self) { try weighted.check(good) }
        weighted.weights = ["site0": 0]
        #expect(throws: PrivacyError.self) { try weighted.validate() }
        // Noise that could not be made is told before anything is booked.
        for (clip, sigma) in [(1.0, 16384.0), (1e40, 1), (1e-40, 1)] {
            #expect(throws: PrivacyError.self) { try self.settings(clip: clip, sigma: sigma).validate() }
        }
    }

    // MARK: A bound that adapts

    @Test func theBoundFollowsTheQuantile() async throws {
        let adaptive = AdaptiveClipping(quantile: 0.5, learningRate: 0.5, bitNoise: 0.01, fewestSites: 3)
        let settings = settings(clip: 1000, sigma: 0.01, adaptive: adaptive)
        let file = temporary.url.appending(path: "norm.json")
        let norms = try ClippingNorms(first: 1000, file: file)
        _ = try await run(try strategy(settings, norms: norms), rounds: 12)
        // All are within the bound at first: it falls by e^−0.25 a round, until it is near the middle of the norms.
        #expect(norms.current < 1000 * 0.1)
        // Eleven moves before the twelfth round.
        #expect(abs(norms.current / 63.93 - 1) < 0.05)
        let kept = try ClippingNorms(first: 1, file: file)
        #expect(kept.current == norms.current)
        try Data("{}".utf8).write(to: file)
        #expect(throws: PrivacyError.self) { try ClippingNorms(first: 1, file: file) }
    }

    @Test func aBitIsToldOnceAndOnlyOfItsRound() async throws {
        let adaptive = AdaptiveClipping(bitNoise: 1, fewestSites: 4)
        let filter = try SiteLevelFilter(settings(clip: 1, adaptive: adaptive))
        // Not before the server has told the norm.
        await #expect(throws: PrivacyError.self) { try await filter.atSite(update(1), context) }
        let begin = Data(#"{"round":1,"norm":2}"#.utf8)
        let ask = Data(#"{"round":1}"#.utf8)
        _ = try await filter.answer(begin, site: "a")
        await #expect(throws: PrivacyError.self) { try await filter.answer(ask, site: "a") }
        #expect(try await filter.atSite(update(9), context).tensors.norm() > 1.99)
        let told = try await filter.answer(ask, site: "a")
        #expect(try await filter.answer(ask, site: "a") == told)
        for question in [#"{"round":2}"#, #"{"round":1,"norm":-1}"#, #"{"round":1,"norm":1e999}"#, "x"] {
            await #expect(throws: PrivacyError.self) { try await filter.answer(Data(question.utf8), site: "a") }
        }
        #expect(try settings(adaptive: adaptive).events == [.gaussian(2), .gaussian(2)])
    }

    @Test func bitsHaveTheirNoise() async throws {
        let adaptive = AdaptiveClipping(bitNoise: 3, fewestSites: 9)
        for (noise, deviation) in [(SiteLevelSettings.Noise.server, 1.0), (.shared(fewestSites: 9), 3)] {
            let filter = try SiteLevelFilter(settings(noise: noise, adaptive: adaptive), source: .seeded(5))
            var sum = 0.0
            let count = 4000
            for round in 1...count {
                _ = try await filter.answer(Data(#"{"round":\#(round),"norm":2}"#.utf8), site: "a")
                _ = try await filter.atSite(update(1, count: 9), FilterContext(round: round, site: "a"))
                let told = try await filter.answer(Data(#"{"round":\#(round)}"#.utf8), site: "a")
                let value = try JSONDecoder().decode(Double.self, from: told) - 0.5
                sum += value * value
            }
            // 6.2 standard deviations of a variance.
            #expect(abs(sum / Double(count) / (deviation * deviation) - 1) < 6.2 * (2 / Double(count)).squareRoot())
        }
    }

    // MARK: What else leaves

    @Test func releasesWithoutNoiseNeedLeave() async throws {
        let closed = AccountedLearner(
            ToyLearner(toySite("a"), target: 1), ledger: try PrivacyLedger(folder: temporary.url), run: "r")
        await #expect(throws: PrivacyError.self) { try await closed.describe() }
        await #expect(throws: PrivacyError.self) { try await closed.model() }
        await #expect(throws: PrivacyError.self) { try await closed.answer(Data()) }
        let open = AccountedLearner(
            ToyLearner(toySite("a"), target: 1),
            ledger: try PrivacyLedger(folder: temporary.url, leave: [.metrics, .counts, .fingerprint, .model]),
            run: "r",
            plain: .init(sendsMetrics: true))
        #expect(try await open.describe().examples == 10)
        let update = try await open.train(TrainTask(round: 1, rounds: 1, model: toyWeights(toySite("a"), seed: 1)))
        #expect(update.metrics["loss"] == 0 && update.steps == 5)
        _ = try await open.answer(Data())
        _ = try await open.model()
        let summary = try await PrivacyLedger(folder: temporary.url).summary(delta: 1e-5)
        #expect(Set(summary.releases.map(\.kind)) == [.counts, .metrics, .fingerprint, .model])
    }

    @Test func plansSayWhatHidingASiteCosts() throws {
        let settings = settings(sigma: 6.38)
        let plan = try PrivacyPlan(settings, sites: 2, rounds: 100, parameters: 18_800_000, delta: 1e-5)
        #expect(abs(plan.epsilon - 7.995) < 1e-3)
        #expect(abs(plan.noiseToSignal / (3.19 * 18_800_000.0.squareRoot()) - 1) < 1e-9)
        #expect("\(plan)".contains("unit of privacy: site") && "\(plan)".contains("against the server itself"))
        var shared = settings
        shared.noise = .shared(fewestSites: 3)
        #expect(throws: PrivacyError.self) {
            try PrivacyPlan(shared, sites: 2, rounds: 100, parameters: 10, delta: 1e-5)
        }
        var laplace = settings
        laplace.mechanism = .laplace
        let text = "\(try PrivacyPlan(laplace, sites: 2, rounds: 100, parameters: 10, delta: 1e-5))"
        #expect(text.contains("Laplace, b 6.38 times the clipping norm 1 in L1"), "\(text)")
        // What holds where the server sees the sum alone, and where it does not.
        for isSummed in [false, true] {
            let text =
                "\(try PrivacyPlan(shared, sites: 3, rounds: 9, parameters: 10, delta: 1e-5, isSummedInSecret: isSummed))"
            #expect(text.contains("combine this with a secure sum") == !isSummed, "\(text)")
            #expect(text.contains("which sees only their secure sum") == isSummed, "\(text)")
        }
    }
}
