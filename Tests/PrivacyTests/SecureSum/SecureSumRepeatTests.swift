import Crypto
import Federation
import FederationTesting
import Privacy
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Rounds that come again, at sites and servers that have lost their memory or not.
@Suite struct SecureSumRepeatTests {
    private func open(_ sum: SumFixture, _ came: [String], agree: Bool = true) async throws -> OpenedUpdate {
        if agree { try await sum.carryOut(.beforeTraining, with: sum.sites) }
        let updates = try await sum.seal(came)
        try await sum.carryOut(.afterTraining, with: came)
        return try await sum.filter.open(updates, sum.sealedRound)
    }

    @Test func whatARoundWasOpenedWithOutlastsTheProcess() async throws {
        let folder = try TemporaryFolder()
        let place = folder.url.appending(path: "filters")
        var sum = try SumFixture(5)
        try sum.restart(folder: place)
        let first = Array(sum.sites.dropLast())
        #expect(try await open(sum, first).sites == first)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path).count == 4)
        // A site shows its choice to every object of the run, and to no other run.
        try sum.restart(folder: place)
        #expect(try await open(sum, sum.sites).sites == first)
        try sum.restart(folder: place)
        await #expect(throws: PrivacyError.self) { _ = try await open(sum, Array(sum.sites.dropFirst())) }
        sum.round = 2
        #expect(try await open(sum, sum.sites).sites == sum.sites)
    }

    @Test func withoutItsMemoryOnTheDiskASiteOpensNothing() async throws {
        let folder = try TemporaryFolder()
        var sum = try SumFixture(3)
        try sum.restart(folder: folder.url)
        _ = try await open(sum, sum.sites)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path) {
            try Data("{".utf8).write(to: folder.url.appending(path: name))
        }
        sum.round = 2
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        _ = try await sum.seal(sum.sites)
        let reasons = try await reasonsOfOpening(sum)
        #expect(reasons.count == 3 && reasons.allSatisfy { $0.contains("it cannot be read, and without it") })
        // Nor where it cannot be written: here a file is in the folder's place.
        let place = folder.url.appending(path: "no folder")
        try Data().write(to: place)
        try sum.restart(folder: place.appending(path: "filters"))
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        _ = try await sum.seal(sum.sites)
        let others = try await reasonsOfOpening(sum)
        #expect(others.count == 3 && others.allSatisfy { $0.contains("it cannot be written, and without it") })
    }

    /// What every site says when it is asked to help to open all.
    private func reasonsOfOpening(_ sum: SumFixture) async throws -> [String] {
        do {
            return try await sum.carryOut(.afterTraining, with: sum.sites).reasons.values.map { "\($0)" }
        } catch { return ["\(error)"] }
    }

    /// The server crashed after the opening, and has one more update when it asks the same sites again.
    @Test func aSumThatWasOpenedIsOpenedAgainAsItWas() async throws {
        let sum = try SumFixture(5)
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        let updates = try await sum.seal(sum.sites)
        let first = Array(sum.sites.dropLast())
        try await sum.carryOut(.afterTraining, with: first)
        let opened = try await sum.filter.open(updates, sum.sealedRound)
        for came in [sum.sites, first] {
            let reasons = try await sum.carryOut(.afterTraining, with: came).reasons
            #expect(reasons.isEmpty)
            let again = try await sum.filter.open(updates, sum.sealedRound)
            #expect(again.sites == first)
            #expect(try again.tensors.weights() == opened.tensors.weights())
        }
    }

    /// Where answers to old questions are kept on the way, a question that is asked anew must be another one.
    @Test func anAgreementThatBeginsAnewAsksAnew() throws {
        let sum = try SumFixture(3)
        var questions: Set<Data> = []
        for _ in 0..<3 {
            var exchange = try #require(try sum.filter.exchange(.beforeTraining, sum.sealedRound))
            questions.formUnion(try #require(try exchange.next([:], sites: sum.sites)).values)
        }
        #expect(questions.count == 3)
    }

    /// A way to a site whose process ends when the training of a round begins; another one, which knows nothing, takes over.
    private final class RestartingLink: SiteLink {
        let site: String
        private let make: @Sendable () throws -> Site
        private let round: Int
        private let current: Mutex<(site: Site, isRestarted: Bool)>

        init(_ site: String, inRound round: Int, _ make: @escaping @Sendable () throws -> Site) throws {
            (self.site, self.make, self.round) = (site, make, round)
            current = Mutex((try make(), false))
        }

        func perform(_ task: SiteTask) async throws -> SiteReply {
            let site = try current.withLock { current in
                if case .train(let train) = task, train.round == round, !current.isRestarted {
                    current = (try make(), true)
                }
                return current.site
            }
            return try await site.perform(task)
        }
    }

    @Test func aSiteThatLostItsSecretsTrainsNothingAndTheOthersGoOn() async throws {
        let names = ["a", "b", "c", "d"]
        let keys = Dictionary(uniqueKeysWithValues: names.map { ($0, Curve25519.Signing.PrivateKey()) })
        let verifier = SiteKeys(keys.mapValues { .ed25519($0.publicKey) })
        @Sendable func filter(_ site: String?) throws -> SecureSum {
            try SecureSum(run: "r", signers: keys.filter { $0.key == site }, verifier: verifier)
        }
        var strategy = Strategy()
        (strategy.filters, strategy.content, strategy.minimumSites) = ([try filter(nil)], .difference, 3)
        let coordinator = try Coordinator(RunSettings(rounds: 3), strategy: strategy)
        let disk = ToyDisk()
        for name in names {
            try await coordinator.join(
                RestartingLink(name, inRound: name == "d" ? 2 : -1) {
                    let disk = name == "d" ? disk : ToyDisk()
                    return Site(
                        name: name, learner: ToyLearner(toySite(name), target: 1, disk: disk),
                        filters: [try filter(name)])
                })
        }
        let result = try await coordinator.run()
        #expect(result.reports.map(\.participants) == [names, ["a", "b", "c"], names])
        guard case .failed(let reason) = result.reports[1].sites[3].part else {
            Issue.record("d took part")
            return
        }
        #expect(reason.contains("has no keys for a secure sum in round 2"))
        #expect(disk.states.keys.sorted() == [1, 3])
    }
}
