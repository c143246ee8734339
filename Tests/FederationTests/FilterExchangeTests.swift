import Federation
import FederationTesting
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A filter that must talk with the sites within a round, before their training and after it.
@Suite struct FilterExchangeTests {
    /// Each site adds a number of its own to every value, agreed upon before training; the server learns the numbers of
    /// those whose update came, and takes them away.
    private struct Masking: UpdateFilter {
        let name = "masking"
        let log = Log()
        /// Sites that do not answer at this moment.
        var silent: [FilterMoment: Set<String>] = [:]

        final class Log: Sendable {
            struct Entries {
                var agreed: [String: [String: String]] = [:]
                var asked: [String: [String]] = [:]
                var masks: [String: Float] = [:]
            }
            let entries = Mutex(Entries())
        }

        enum Silence: Error, CustomStringConvertible {
            case silent
            var description: String { "it keeps silent" }
        }

        static func mask(_ site: String) -> Float { Float(site.utf8.reduce(0) { $0 + Int($1) }) }

        func exchange(_ moment: FilterMoment, round: Int) -> (any Preparation)? {
            Talk(moment: moment, round: round, log: log)
        }

        private struct Talk: Preparation {
            let moment: FilterMoment
            let round: Int
            let log: Log
            var pass = 0
            var name: String { moment == .beforeTraining ? "agreeing" : "unmasking" }
            var addressee: Question.Addressee { .filter("masking") }
            var goesOnWithoutLostSites: Bool { moment == .afterTraining }

            mutating func next(_ answers: [String: Data], sites: [String]) throws -> [String: Data]? {
                pass += 1
                if pass == 1 {
                    log.entries.withLock { $0.asked["\(name) \(round)"] = sites }
                    return Dictionary(uniqueKeysWithValues: sites.map { ($0, Data(name.utf8)) })
                }
                let said = answers.mapValues { String(decoding: $0, as: UTF8.self) }
                if moment == .beforeTraining {
                    // A second pass: everyone is told what the others said.
                    guard pass == 2 else { return nil }
                    log.entries.withLock { $0.agreed["\(round)"] = said }
                    return answers.mapValues { _ in Data("told".utf8) }
                }
                log.entries.withLock { entries in entries.masks = said.compactMapValues(Float.init) }
                return nil
            }
        }

        func answer(_ question: Data, site: String) async throws -> Data {
            let question = String(decoding: question, as: UTF8.self)
            if question == "agreeing", silent[.beforeTraining]?.contains(site) == true { throw Silence.silent }
            if question == "unmasking", silent[.afterTraining]?.contains(site) == true { throw Silence.silent }
            return Data("\(Self.mask(site))".utf8)
        }

        func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
            try shifted(update, by: Self.mask(context.site))
        }

        func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
            guard let mask = log.entries.withLock({ $0.masks[context.site] }) else { throw Silence.silent }
            return try shifted(update, by: -mask)
        }

        private func shifted(_ update: ModelUpdate, by number: Float) throws -> ModelUpdate {
            var update = update
            update.tensors = Weights(
                try update.tensors.weights().tensors.map {
                    Weights.Tensor($0.name, $0.floats!.map { $0 + number }, shape: $0.shape)
                })
            return update
        }
    }

    private func run(_ filter: Masking?, faults: [String: [Int: ToyFault]] = [:]) async throws -> RunResult {
        var strategy = Strategy()
        if let filter { strategy.filters = [filter] }
        let coordinator = try Coordinator(RunSettings(rounds: 2), strategy: strategy)
        for name in ["a", "b", "c"] {
            let learner = ToyLearner(toySite(name), target: 2, faults: faults[name] ?? [:])
            try await coordinator.join(
                InProcessLink(Site(name: name, learner: learner, filters: strategy.filters)))
        }
        return try await coordinator.run()
    }

    @Test func whatAnExchangeLearnsOpensTheUpdates() async throws {
        let masking = Masking()
        let result = try await run(masking)
        let plain = try await run(nil)
        for (x, y) in zip(result.global.tensors, plain.global.tensors) {
            for (a, b) in zip(x.floats!, y.floats!) { #expect(abs(a - b) < 1e-3) }
        }
        masking.log.entries.withLock {
            #expect($0.agreed["2"]?.keys.sorted() == ["a", "b", "c"])
            #expect($0.asked["unmasking 2"] == ["a", "b", "c"])
        }
    }

    @Test func onlySitesWhoseUpdateCameAreAskedAfterwards() async throws {
        let masking = Masking()
        let result = try await run(masking, faults: ["b": [1: .broken]])
        #expect(masking.log.entries.withLock { $0.asked["unmasking 1"] } == ["a", "c"])
        #expect(result.reports[0].participants == ["a", "c"])
        #expect(result.reports[1].participants == ["a", "b", "c"])
    }

    @Test func aSiteThatIsSilentBeforeTrainingDoesNotTrainThatRound() async throws {
        var masking = Masking()
        masking.silent[.beforeTraining] = ["a"]
        let result = try await run(masking)
        #expect(result.reports[0].participants == ["b", "c"])
        #expect(result.reports[0].sites[0].part == .failed("it keeps silent"))
        // Begun again without it.
        #expect(masking.log.entries.withLock { $0.agreed["1"]?.keys.sorted() } == ["b", "c"])
    }

    /// What a filter asks after training has time of its own.
    @Test func aLateSiteLeavesTimeForTheExchangeAfterTraining() async throws {
        let clock = ManualClock()
        let masking = Masking()
        var strategy = Strategy()
        (strategy.filters, strategy.deadline) = ([masking], .seconds(60))
        let coordinator = try Coordinator(
            RunSettings(rounds: 1), strategy: strategy,
            observers: [
                Timekeeper(clock, advance: .seconds(60)) {
                    if case .updateArrived(_, _, received: 2, _) = $0 { true } else { false }
                }
            ], clock: clock)
        for name in ["a", "b", "c"] {
            let learner = ToyLearner(toySite(name), target: 2, faults: name == "b" ? [1: .slow] : [:])
            try await coordinator.join(InProcessLink(Site(name: name, learner: learner, filters: strategy.filters)))
        }
        let result = try await coordinator.run()
        #expect(result.reports[0].sites.map(\.part) == [.took, .late, .took])
        #expect(masking.log.entries.withLock { $0.asked["unmasking 1"] } == ["a", "c"])
    }

    /// Refuses the update of every task before it is trained.
    private struct Refusing: UpdateFilter {
        let name = "refusing"
        func admit(_ task: TrainTask, site: String) async throws {
            throw FederationError.site("\(site) cannot seal it")
        }
        func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }
        func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }
    }

    @Test func whatAFilterCannotLetOutIsNotTrained() async throws {
        let disk = ToyDisk()
        let site = Site(
            name: "a", learner: ToyLearner(toySite("a"), target: 1, disk: disk), filters: [HalfPrecision(), Refusing()])
        await #expect(throws: FederationError.site("a cannot seal it")) {
            _ = try await site.perform(.train(TrainTask(round: 1, rounds: 1, model: toyWeights(toySite("a"), seed: 7))))
        }
        #expect(disk.states.isEmpty)
    }

    @Test func anUpdateThatCannotBeOpenedIsLeftOut() async throws {
        var masking = Masking()
        masking.silent[.afterTraining] = ["c"]
        let result = try await run(masking)
        #expect(result.reports[0].participants == ["a", "b"])
        #expect(result.reports[0].sites[2].part == .failed("it keeps silent"))
    }
}
