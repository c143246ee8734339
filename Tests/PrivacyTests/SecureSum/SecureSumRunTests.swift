import Federation
import FederationTesting
import Privacy
import Testing

/// Secure sums in runs of toy sites, in process.
@Suite struct SecureSumRunTests {
    private static let names = ["a", "b", "c", "d"]

    private func site(_ name: String, _ index: Int) -> SiteDescription { toySite(name, examples: 10 + 3 * index) }

    private func run(
        _ filters: [any UpdateFilter], content: ModelUpdate.Content = .difference, rounds: Int = 3,
        optimizer: ServerOptimizer = .replace, names: [String] = names, faults: [String: [Int: ToyFault]] = [:]
    ) async throws -> RunResult {
        var strategy = Strategy()
        (strategy.filters, strategy.content, strategy.serverOptimizer) = (filters, content, optimizer)
        strategy.minimumSites = 3
        let coordinator = try Coordinator(RunSettings(rounds: rounds), strategy: strategy)
        for (index, name) in names.enumerated() {
            let learner = ToyLearner(site(name, index), target: Float(index) / 2, faults: faults[name] ?? [:])
            try await coordinator.join(InProcessLink(Site(name: name, learner: learner, filters: filters)))
        }
        return try await coordinator.run()
    }

    private func settings(_ form: SecureSumSettings.Form, threshold: Double = 2.0 / 3) -> SecureSumSettings {
        var settings = SecureSumSettings()
        (settings.form, settings.threshold) = (form, threshold)
        return settings
    }

    /// The largest difference of two runs' models.
    private func distance(_ a: RunResult, _ b: RunResult) -> Float {
        zip(a.global.tensors, b.global.tensors).map { x, y in
            zip(x.floats!, y.floats!).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        }.max()!
    }

    @Test(arguments: SecureSumSettings.Form.allCases)
    func aRunGivesWhatPlainAveragingGives(_ form: SecureSumSettings.Form) async throws {
        for content in [ModelUpdate.Content.difference, .weights] {
            let sealed = try await run(
                [try SecureSum.simulated(settings(form), sites: Self.names)], content: content)
            let plain = try await run([], content: content)
            // A step of the sum is 8 / 2³¹ = 4e-9, and float32's own at 2 is 2e-7: over three rounds.
            #expect(distance(sealed, plain) <= 1e-6)
            #expect(sealed.reports.allSatisfy { $0.participants == Self.names && $0.training.isEmpty })
            #expect(sealed.reports[2].validation["dice"] != nil)
        }
        let adam = try await run(
            [try SecureSum.simulated(settings(form), sites: Self.names)], optimizer: .adam())
        #expect(distance(adam, try await run([], optimizer: .adam())) <= 1e-4)
    }

    /// One round is, bit for bit, what the integers of the sites add up to.
    @Test func oneRoundIsTheIntegerSum() async throws {
        let sealed = try await run([try SecureSum.simulated(settings(.masks), sites: Self.names)], rounds: 1)
        let total = Double(10 + 13 + 16 + 19)
        let start = toyWeights(site("a", 0), seed: 7)
        let updates = try await Self.names.enumerated().asyncMap { index, name in
            try await ToyLearner(self.site(name, index), target: Float(index) / 2).train(
                TrainTask(round: 1, rounds: 1, model: start, content: .difference)
            ).tensors.weights()
        }
        let scale = (2_147_483_647.0 - 4) / 8
        for tensor in start.tensors {
            let name =
                tensor.name.hasPrefix("decoder")
                ? site("a", 0).tensors.first { $0.tensor.name == tensor.name }!.alignedName : tensor.name
            let values = sealed.global[name]!.floats!
            for i in values.indices {
                var sum: Int64 = 0
                for (index, update) in updates.enumerated() {
                    let share = Double(10 + 3 * index) / total
                    sum += Int64((Double(update[tensor.name]!.floats![i]) * (share * scale)).rounded(.toNearestOrEven))
                }
                let mean = Float(Double(sum) / scale)
                #expect(values[i] == Float(Double(mean) + Double(tensor.floats![i])))
            }
        }
    }

    @Test(arguments: SecureSumSettings.Form.allCases)
    func aSiteThatSendsNothingIsLeftOut(_ form: SecureSumSettings.Form) async throws {
        let faults: [String: [Int: ToyFault]] = ["b": [2: .broken]]
        let sealed = try await run(
            [try SecureSum.simulated(settings(form), sites: Self.names)], faults: faults)
        #expect(sealed.reports.map(\.participants) == [Self.names, ["a", "c", "d"], Self.names])
        #expect(distance(sealed, try await run([], faults: faults)) <= 1e-6)
    }

    /// Sites of two kinds, which share a backbone with all and the rest among themselves; the backbone waits in warm-up.
    @Test func warmUpIsSummedToo() async throws {
        let names = (0..<6).map { "site-\($0)" }
        func run(_ filters: [any UpdateFilter]) async throws -> RunResult {
            var strategy = Strategy()
            (strategy.filters, strategy.content, strategy.minimumSites) = (filters, .difference, 3)
            strategy.sharing = Sharing(.backbone)
            let coordinator = try Coordinator(RunSettings(rounds: 1, warmUpRounds: 1), strategy: strategy)
            for (index, name) in names.enumerated() {
                let learner = ToyLearner(
                    toySite(name, channels: 1 + index % 2, labels: 2 + index % 2, examples: 10 + index),
                    target: Float(index) / 2)
                try await coordinator.join(InProcessLink(Site(name: name, learner: learner, filters: filters)))
            }
            return try await coordinator.run()
        }
        let sealed = try await run([try SecureSum.simulated(settings(.masks), sites: names)])
        #expect(sealed.reports.allSatisfy { $0.participants == names })
        #expect(distance(sealed, try await run([])) <= 1e-6)
    }

    /// The time for training is over when the others' updates are opened.
    @Test func aLateSiteIsLeftOutAndTheOthersAreOpened() async throws {
        let clock = ManualClock()
        let filter = try SecureSum.simulated(settings(.masks), sites: Self.names)
        var strategy = Strategy()
        (strategy.filters, strategy.content, strategy.minimumSites) = ([filter], .difference, 3)
        strategy.deadline = .seconds(60)
        let coordinator = try Coordinator(
            RunSettings(rounds: 1), strategy: strategy,
            observers: [
                Timekeeper(clock, advance: .seconds(60)) {
                    if case .updateArrived(_, _, received: 3, _) = $0 { true } else { false }
                }
            ], clock: clock)
        for (index, name) in Self.names.enumerated() {
            let learner = ToyLearner(site(name, index), target: 1, faults: name == "c" ? [1: .slow] : [:])
            try await coordinator.join(InProcessLink(Site(name: name, learner: learner, filters: [filter])))
        }
        let result = try await coordinator.run()
        #expect(result.reports[0].sites.map(\.part) == [.took, .took, .late, .took])
    }

    @Test func withTooFewSitesARunEnds() async throws {
        let filter = try SecureSum.simulated(settings(.masks), sites: Self.names)
        await #expect(throws: (any Error).self) {
            _ = try await run([filter], faults: ["b": [1: .broken], "c": [1: .broken]])
        }
    }

    /// A filter that changes tensors' types leaves nothing to be summed.
    @Test func whatCannotBeSummedIsRefused() async throws {
        let filter = try SecureSum.simulated(settings(.masks), sites: Self.names)
        await #expect {
            _ = try await run([HalfPrecision(), filter])
        } throws: {
            "\($0)".contains("other tensors, shapes or types")
        }
    }

    @Test func aServerThatCrashedRepeatsTheRound() async throws {
        let folder = try TemporaryFolder()
        let filter = try SecureSum.simulated(settings(.masks), sites: Self.names)
        var strategy = Strategy()
        (strategy.filters, strategy.content, strategy.minimumSites) = ([filter], .difference, 3)
        struct Crash: Error {}
        let disks = Self.names.map { _ in ToyDisk() }
        var sites: [Site] = []
        for (index, name) in Self.names.enumerated() {
            sites.append(
                Site(
                    name: name,
                    learner: ToyLearner(site(name, index), target: Float(index) / 2, disk: disks[index]),
                    filters: [filter]))
        }
        // The first server dies when round 2 has been opened, before that is on its disk.
        struct Killer: RoundObserver {
            let task: @Sendable () -> Void
            func observe(_ event: RunEvent) async { if case .validating(round: 2) = event { task() } }
        }
        let sitesOfRun = sites
        let (strategyOfRun, path) = (strategy, folder.url)
        let stopped = Task {
            let coordinator = try Coordinator(
                RunSettings(rounds: 3), strategy: strategyOfRun, folder: try RunFolder(path),
                observers: [Killer { withUnsafeCurrentTask { $0?.cancel() } }])
            for site in sitesOfRun { try await coordinator.join(InProcessLink(site)) }
            return try await coordinator.run()
        }
        await #expect(throws: (any Error).self) { _ = try await stopped.value }
        let coordinator = try Coordinator(
            RunSettings(rounds: 3), strategy: strategy, folder: try RunFolder(path))
        for site in sites { try await coordinator.join(InProcessLink(site)) }
        let result = try await coordinator.run()
        #expect(result.reports.map(\.round) == [1, 2, 3])
        #expect(distance(result, try await run([])) <= 1e-6)
    }
}

extension Sequence {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
