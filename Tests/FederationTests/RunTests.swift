import Federation
import FederationTesting
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct RunTests {
    private func run(
        _ learners: [ToyLearner], rounds: Int = 3, _ configure: (inout Strategy) -> Void = { _ in },
        settings: RunSettings? = nil, folder: URL? = nil, preparations: [any Preparation] = [],
        recorder: Recorder = Recorder(), clock: (ManualClock, Timekeeper)? = nil
    ) async throws -> RunResult {
        var strategy = Strategy()
        configure(&strategy)
        let coordinator = try Coordinator(
            settings ?? RunSettings(rounds: rounds), strategy: strategy, preparations: preparations,
            folder: try folder.map { try RunFolder($0) },
            observers: [recorder] + (clock.map { [$0.1] } ?? []), clock: clock?.0 ?? ContinuousClock())
        for learner in learners {
            try await coordinator.join(
                InProcessLink(Site(name: learner.site.name, learner: learner, filters: strategy.filters)))
        }
        return try await coordinator.run()
    }

    private func three(faults: [String: [Int: ToyFault]] = [:], disks: [String: ToyDisk] = [:]) -> [ToyLearner] {
        [("a", 1, 5), ("b", 2, 10), ("c", 4, 20)].map { name, target, examples in
            ToyLearner(
                toySite(name, examples: examples), target: Float(target), faults: faults[name] ?? [:],
                disk: disks[name] ?? ToyDisk())
        }
    }

    @Test func theModelMovesTowardsTheWeighedTarget() async throws {
        let learners = three()
        let result = try await run(learners, rounds: 60)
        let target: Float = (5 + 20 + 80) / 35
        for tensor in result.global.tensors {
            for value in tensor.floats! { #expect(abs(value - target) < 0.2) }
        }
        #expect(result.reports.count == 60)
        #expect(result.reports.last?.validation["dice"]?.isFinite == true)
        // Every site ends with the shared tensors of the last round.
        let finished = try #require(await learners[0].finished)
        #expect(finished == result.plan.model(of: "a", from: result.global))
    }

    @Test func theOrderOfSitesChangesNoBit() async throws {
        let a = try await run(three())
        let b = try await run(three().reversed())
        #expect(a.global == b.global)
    }

    @Test func theBestModelIsTheOneThatWasJudgedBest() async throws {
        let result = try await run(three(), rounds: 5)
        let best = try #require(result.reports.last { $0.isBest })
        #expect(best.validation["dice"] == result.reports.compactMap { $0.validation["dice"] }.max())
        #expect(result.best != nil)
    }

    /// Every subset of sites fails in round 2.
    @Test(arguments: 0..<8)
    func theRoundGoesOnWithoutTheSitesThatFail(failing: Int) async throws {
        let names = ["a", "b", "c"]
        let faults = Dictionary(
            uniqueKeysWithValues: names.indices.filter { failing >> $0 & 1 == 1 }.map {
                (names[$0], [2: ToyFault.broken])
            })
        guard faults.count <= 2 else {
            await #expect(throws: FederationError.self) { try await run(three(faults: faults)) }
            return
        }
        let result = try await run(three(faults: faults))
        let report = result.reports[1]
        #expect(report.participants == names.filter { faults[$0] == nil })
        for outcome in report.sites where faults[outcome.site] != nil {
            #expect(outcome.part == .failed("the toy is broken"))
        }
    }

    @Test(arguments: [ToyFault.notANumber, .missing, .foreign, .otherShape])
    func anUnusableUpdateIsRefusedByName(fault: ToyFault) async throws {
        let result = try await run(three(faults: ["b": [1: fault]]))
        #expect(result.reports[0].participants == ["a", "c"])
        guard case .failed(let reason) = result.reports[0].sites[1].part else {
            Issue.record("b took part")
            return
        }
        #expect(reason.contains("update of b is refused"))
        let without = try await run(three(faults: ["b": [1: .broken]]))
        #expect(result.reports[0].validation == without.reports[0].validation)
    }

    @Test(arguments: [ToyFault.slow, .stubborn])
    func aLateSiteIsLeftOut(fault: ToyFault) async throws {
        let clock = ManualClock()
        let result = try await run(
            three(faults: ["c": [1: fault]]), rounds: 1, { $0.deadline = .seconds(60) },
            clock: (
                clock,
                Timekeeper(clock, advance: .seconds(60)) {
                    if case .updateArrived(_, _, received: 2, _) = $0 { true } else { false }
                }
            ))
        #expect(result.reports[0].sites.map(\.part) == [.took, .took, .late])
    }

    @Test func aSiteThatIsSilentBeforeTheFirstRoundIsLeftOut() async throws {
        let clock = ManualClock()
        let recorder = Recorder()
        let result = try await run(
            three(faults: ["b": [-2: .slow]]), rounds: 1, { $0.preparationDeadline = .seconds(60) },
            preparations: [Counting(log: Counting.Log())], recorder: recorder,
            clock: (
                clock,
                Timekeeper(clock, advance: .seconds(60)) {
                    if case .answerArrived(_, _, received: 2, of: 3) = $0 { true } else { false }
                }
            ))
        #expect(result.reports[0].participants == ["a", "c"])
        #expect(
            await recorder.events.contains(
                .siteLeftOut("b", during: "counting", reason: "it did not answer in time")))
    }

    @Test func tooFewSitesEndTheRunAndSayWhy() async throws {
        await #expect {
            try await run(three(faults: ["b": [2: .broken]])) { $0.minimumSites = 3 }
        } throws: { error in
            "\(error)".contains("3 sites are needed and 2 are there (a, c)")
                && "\(error)".contains("b: the toy is broken")
        }
    }

    @Test func twoSitesOfOneNameAreRefused() async throws {
        await #expect(throws: FederationError.twoSitesOfOneName("a")) {
            try await run([three()[0], three()[0]])
        }
    }

    @Test func waitingIsVisibleAndEnds() async throws {
        var strategy = Strategy()
        strategy.minimumSites = 2
        let recorder = Recorder()
        let coordinator = try Coordinator(RunSettings(rounds: 1), strategy: strategy, observers: [recorder])
        try await coordinator.join(InProcessLink(Site(name: "a", learner: three()[0])))
        await #expect(throws: FederationError.self) {
            try await coordinator.waitForSites(upTo: .milliseconds(50))
        }
        guard case .waiting(for: 1, secondsLeft: let left?) = await recorder.events.first else {
            Issue.record("nobody was told")
            return
        }
        #expect(left > 0 && left <= 0.05)
    }

    @Test func selectionIsAFractionOfTheSitesAndRepeatable() throws {
        let sites = (0..<10).map { "site\($0)" }
        let first = try SiteSelection.fraction(0.3).choose(from: sites, round: 4, seed: 1)
        #expect(first.count == 3)
        #expect(try SiteSelection.fraction(0.3).choose(from: sites.reversed(), round: 4, seed: 1) == first)
        let rounds = try (0..<50).map { try SiteSelection.count(2).choose(from: sites, round: $0, seed: 1) }
        #expect(Set(rounds.joined()).count == 10)
        #expect(throws: FederationError.unknownSites(["x"], known: sites)) {
            try SiteSelection.named(["x"]).choose(from: sites, round: 1, seed: 1)
        }
    }

    @Test func warmUpChangesOnlyWhatIsNotShared() async throws {
        let disks = ["a": ToyDisk(), "b": ToyDisk(), "c": ToyDisk()]
        let result = try await run(
            three(disks: disks), { $0.sharing = Sharing(.backbone, averagesWithinKind: false) },
            settings: RunSettings(rounds: 1, warmUpRounds: 1))
        #expect(result.reports.map(\.round) == [0, 1])
        let start = toyWeights(toySite("a"), seed: 7)
        let warm = try #require(disks["a"]?.states[0]?.0)
        #expect(warm["encoder.1.weight"]?.floats == start["encoder.1.weight"]?.floats)
        #expect(warm["head.weight"]?.floats != start["head.weight"]?.floats)
    }

    /// With the default, inputs and heads are averaged within a kind: they warm up, and round 1 begins with them.
    @Test func warmUpOfAKindIsKept() async throws {
        let folder = try TemporaryFolder()
        let result = try await run(
            three(), { $0.sharing = Sharing(.backbone) }, settings: RunSettings(rounds: 1, warmUpRounds: 1),
            folder: folder.url)
        let start = try WeightsFile(folder.url.appending(path: "global-0.safetensors")).weights()
        #expect(result.reports[0].participants == ["a", "b", "c"])
        let first = toyWeights(toySite("a"), seed: 7)
        #expect(start["encoder.1.weight"]?.floats == first["encoder.1.weight"]?.floats)
        #expect(start["head.weight"]?.floats != first["head.weight"]?.floats)
        await #expect(throws: FederationError.self) {
            try await run(three(), settings: RunSettings(rounds: 1, warmUpRounds: 1))
        }
    }

    @Test func aNamedSiteThatIsLeftOutEndsNothing() async throws {
        let log = Counting.Log()
        let result = try await run(
            three(faults: ["b": [-2: .broken]]), rounds: 1, { $0.selection = .named(["b", "c"]) },
            preparations: [Counting(log: log)])
        #expect(result.reports[0].participants == ["c"])
        await #expect(throws: FederationError.unknownSites(["x"], known: ["a", "b", "c"])) {
            try await run(three(), rounds: 1) { $0.selection = .named(["x"]) }
        }
    }

    @Test func modalitiesHaveModelsOfTheirOwn() async throws {
        let learners = [("ct", "CT", 1), ("mr1", "MR", 3), ("mr2", "MR", 5)].map {
            ToyLearner(toySite($0, examples: 10, modality: $1), target: Float($2))
        }
        let result = try await run(learners, rounds: 40) {
            $0.keepsModelOfEachModality = true
            $0.weighting = SiteWeighting(.examples, groups: ["CT": 0.6, "MR": 0.4])
        }
        #expect(result.ofModality.keys.sorted() == ["CT", "MR"])
        func mean(_ weights: Weights) -> Float {
            let values = weights["encoder.1.weight"]!.floats!
            return values.reduce(0, +) / Float(values.count)
        }
        #expect(mean(result.ofModality["CT"]!) < mean(result.global))
        #expect(mean(result.ofModality["MR"]!) > mean(result.global))
    }

    @Test(arguments: [false, true])
    func modalitiesKeepTheirBestAcrossACrash(onDisk: Bool) async throws {
        func learners(_ disks: [ToyDisk], faults: [Int: ToyFault] = [:]) -> [ToyLearner] {
            zip([("ct", "CT", Float(1)), ("mr", "M/R", 3)], disks).map { site, disk in
                ToyLearner(
                    toySite(site.0, examples: 10, modality: site.1), target: site.2, faults: faults, disk: disk)
            }
        }
        func go(_ learners: [ToyLearner], _ folder: URL) async throws -> RunResult {
            var strategy = Strategy()
            strategy.keepsModelOfEachModality = true
            let coordinator = try Coordinator(
                RunSettings(rounds: 4), strategy: strategy,
                folder: try RunFolder(folder, leavesModelsOnDisk: onDisk))
            for learner in learners {
                try await coordinator.join(InProcessLink(Site(name: learner.site.name, learner: learner)))
            }
            return try await coordinator.run()
        }
        let whole = try TemporaryFolder()
        let expected = try await go(learners([ToyDisk(), ToyDisk()]), whole.url)
        #expect(expected.bestOfModality.keys.sorted() == ["CT", "M/R"])
        for report in expected.reports {
            #expect(report.validationOfModality.keys.sorted() == ["CT", "M/R"])
        }
        let best = try #require(expected.reports.last { $0.bestModalities.contains("CT") })
        #expect(
            best.validationOfModality["CT"]?["dice"]
                == expected.reports.compactMap { $0.validationOfModality["CT"]?["dice"] }.max())
        let folder = try TemporaryFolder()
        let disks = [ToyDisk(), ToyDisk()]
        await #expect(throws: FederationError.self) { try await go(learners(disks, faults: [3: .broken]), folder.url) }
        let result = try await go(learners(disks), folder.url)
        #expect(result.global == expected.global)
        #expect(result.ofModality == expected.ofModality)
        #expect(result.bestOfModality == expected.bestOfModality)
    }

    // MARK: Before the first round

    /// Two passes: everyone's number, then everyone is told the sum.
    private struct Counting: Preparation {
        let name = "counting"
        let round = -2
        var pass = 0
        let log: Log

        final class Log: @unchecked Sendable { var answers: [[String: String]] = [] }

        mutating func next(_ answers: [String: Data], sites: [String]) throws -> [String: Data]? {
            log.answers.append(answers.mapValues { String(decoding: $0, as: UTF8.self) })
            pass += 1
            return pass == 3 ? nil : Dictionary(uniqueKeysWithValues: sites.map { ($0, Data("\(pass) ".utf8)) })
        }
    }

    @Test func anExchangeHasAsManyPassesAsItNeeds() async throws {
        let log = Counting.Log()
        _ = try await run(three(), rounds: 1, preparations: [Counting(log: log)])
        #expect(
            log.answers == [
                [:], ["a": "1 a:5", "b": "1 b:10", "c": "1 c:20"], ["a": "2 a:5", "b": "2 b:10", "c": "2 c:20"],
            ])
    }

    @Test func aSiteLostInAnExchangeIsLeftOutAndItBeginsAgain() async throws {
        let log = Counting.Log()
        let recorder = Recorder()
        let result = try await run(
            three(faults: ["b": [-2: .broken]]), rounds: 1, preparations: [Counting(log: log)], recorder: recorder)
        #expect(log.answers.last?.keys.sorted() == ["a", "c"])
        #expect(result.reports[0].participants == ["a", "c"])
        let left = await recorder.events.contains {
            if case .siteLeftOut("b", during: "counting", reason: "the toy is broken") = $0 { true } else { false }
        }
        #expect(left)
    }

    // MARK: Crashes

    /// A run killed after each of its steps ends with the bits of one that was not killed.
    @Test(arguments: [ServerOptimizer.replace, .adam()])
    func aKilledRunEndsWithTheSameBits(optimizer: ServerOptimizer) async throws {
        let configure: (inout Strategy) -> Void = { $0.serverOptimizer = optimizer }
        let whole = try TemporaryFolder()
        let expected = try await run(three(), rounds: 4, configure, folder: whole.url)
        for lastRound in 1...4 {
            // In that round every site fails after it has trained, which is what a kill before its end leaves.
            let folder = try TemporaryFolder()
            let disks = ["a": ToyDisk(), "b": ToyDisk(), "c": ToyDisk()]
            let faults = ["a": [lastRound: ToyFault.broken], "b": [lastRound: .broken], "c": [lastRound: .broken]]
            await #expect(throws: FederationError.self) {
                try await run(three(faults: faults, disks: disks), rounds: 4, configure, folder: folder.url)
            }
            let recorder = Recorder()
            let result = try await run(
                three(disks: disks), rounds: 4, configure, folder: folder.url, recorder: recorder)
            #expect(result.global == expected.global, "killed in round \(lastRound)")
            #expect(result.best == expected.best)
            let resumed = await recorder.events.contains {
                if case .resumed(let reports) = $0 { reports.count == lastRound - 1 } else { false }
            }
            #expect(resumed)
        }
    }

    @Test func aJournalCutAtAnyByteIsTakenUp() async throws {
        let whole = try TemporaryFolder()
        let expected = try await run(three(), rounds: 2, folder: whole.url)
        let bytes = try Data(contentsOf: whole.url.appending(path: "journal.jsonl"))
        let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
        #expect(ends.count == 5)
        // Within the entry of the second round, and of the end.
        for cut in [ends[2] + 1, ends[2] + 7, ends[3], ends[3] + 3, ends[4]] {
            let folder = try TemporaryFolder()
            for file in try FileManager.default.contentsOfDirectory(atPath: whole.url.path) {
                try FileManager.default.copyItem(
                    at: whole.url.appending(path: file), to: folder.url.appending(path: file))
            }
            try bytes[..<cut].write(to: folder.url.appending(path: "journal.jsonl"))
            // The sites' states at the end of the first round.
            let disks = ["a": ToyDisk(), "b": ToyDisk(), "c": ToyDisk()]
            _ = try await run(three(disks: disks), rounds: 2)
            let result = try await run(three(disks: disks), rounds: 2, folder: folder.url)
            #expect(result.global == expected.global, "cut at \(cut)")
        }
    }

    @Test func otherSettingsAreNotTakenUp() async throws {
        let folder = try TemporaryFolder()
        _ = try await run(three(), rounds: 2, folder: folder.url)
        await #expect(throws: FederationError.self) { try await run(three(), rounds: 3, folder: folder.url) }
    }

    @Test func filtersRunAtBothEnds() async throws {
        let plain = try await run(three(), rounds: 2)
        let half = try await run(three(), rounds: 2) { $0.filters = [HalfPrecision()] }
        #expect(half.reports[0].sites[0].bytesReceived * 2 == plain.reports[0].sites[0].bytesReceived)
        for (a, b) in zip(plain.global.tensors, half.global.tensors) {
            for (x, y) in zip(a.floats!, b.floats!) { #expect(abs(x - y) < 0.01) }
        }
    }

    @Test func aMetricThatIsNoNumberNeverWins() {
        let judgement = ModelJudgement()
        #expect(!judgement.isBetter(.nan, than: nil))
        #expect(!judgement.isBetter(0.5, than: 0.5))
        #expect(judgement.isBetter(0.5, than: 0.4))
        #expect(ModelJudgement(metric: "loss", .lower).isBetter(-0.5, than: -0.4))
        let mean = meanMetrics([
            ValidationResult(examples: 1, metrics: ["dice": 0.5]),
            ValidationResult(examples: 3, metrics: ["dice": 0.9]),
            ValidationResult(examples: 9, metrics: ["dice": .nan]),
        ])
        #expect(abs(mean["dice"]! - 0.8) < 1e-12)
    }
}
