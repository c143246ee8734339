import Crypto
import Federation
import FederationTesting
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a server could choose so that a sum shows one update: what each site trains on, and what each weighs.
@Suite struct SecureSumTaskTests {
    private func answer(_ sum: SumFixture, _ site: String, _ stage: SumQuestion.Stage) async throws -> Data {
        guard var exchange = try sum.filter.exchange(.afterTraining, sum.sealedRound),
            let first = try exchange.next([:], sites: sum.sites)?.values.first
        else { throw SumFixture.Outcome.noQuestion }
        let session = try JSONDecoder().decode(SumQuestion.self, from: first).session
        let question = SumQuestion(round: sum.round, session: session, stage: stage)
        return try await sum.filter.answer(JSONEncoder().encode(question), site: site)
    }

    private static func freeze(_ task: inout TrainTask) { task.frozen = task.model.names }
    private static func move(_ task: inout TrainTask) {
        task.model.set(tensor("b", [3], seed: 5))
    }

    /// One site trains and the others' tensors stay, or it begins elsewhere, or trains for longer.
    @Test(
        arguments: [
            { (isTarget: Bool, task: inout TrainTask) in if !isTarget { freeze(&task) } },
            { isTarget, task in if isTarget { move(&task) } },
            { isTarget, task in if isTarget { task.localEpochs = 9 } },
            { isTarget, task in if !isTarget { task.proximalTerm = 1e6 } },
            { isTarget, task in if isTarget { task.rounds = 1000 } },
        ] as [@Sendable (Bool, inout TrainTask) -> Void])
    func trainingsThatDifferAreNotOpenedTogether(change: @Sendable (Bool, inout TrainTask) -> Void) async throws {
        let sum = try SumFixture(5)
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        let updates = try await sum.seal(sum.sites) { change($0 == "site-02", &$1) }
        let statements = try sum.statements(updates)
        for site in sum.sites {
            await #expect {
                _ = try await answer(sum, site, .survivors(statements))
            } throws: {
                "\($0)".contains("were given different models or tasks")
            }
        }
        // A server that means well opens what most trained.
        let rest = sum.sites.filter { $0 != "site-02" }
        try await sum.carryOut(.afterTraining, with: sum.sites)
        #expect(try await sum.filter.open(updates, sum.sealedRound).sites == rest)
    }

    @Test func statementsThatASiteDidNotSignAreRefused() async throws {
        let sum = try SumFixture(5)
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        let updates = try await sum.seal(sum.sites) { if $0 != "site-02" { Self.freeze(&$1) } }
        let statements = try sum.statements(updates)
        for change in [
            { (all: inout [TrainingStatement]) in all[2].circles = all[1].circles },
            { all in (all[2].circles, all[2].signature) = (all[1].circles, all[1].signature) },
            { all in all[2].circles = [:] },
        ] as [(inout [TrainingStatement]) -> Void] {
            var changed = statements
            change(&changed)
            await #expect {
                _ = try await answer(sum, "site-00", .survivors(changed))
            } throws: {
                "\($0)".contains("What site-02 says of its training in a secure sum is not signed")
            }
        }
        // Nor does a site sign where its own is another than it was.
        var changed = statements
        changed[0].settings = statements[2].circles[0]!
        await #expect(throws: PrivacyError.self) { _ = try await answer(sum, "site-00", .survivors(changed)) }
        // The server does not take such an update either.
        var forged = updates["site-02"]!
        var tensors = try forged.tensors.weights()
        tensors.set(try updates["site-01"]!.tensors.weights()["training"]!)
        forged.tensors = tensors
        #expect(throws: PrivacyError.self) { try sum.filter.check(forged, from: "site-02", sum.sealedRound) }
    }

    /// Before anything is trained.
    @Test func aTaskThatIsNotTheSumsIsRefused() async throws {
        let sum = try SumFixture(3)
        await #expect(throws: PrivacyError.self) {
            try await sum.filter.admit(sum.task(of: "site-00"), site: "site-00")
        }
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        for (change, text) in [
            ({ $0.session = nil }, "for another secure sum"),
            ({ $0.session = Data(count: 32) }, "for another secure sum"),
            ({ $0.content = .weights }, "for another secure sum"),
            ({ $0.round = 2 }, "has no keys"),
            ({ $0.model.set(tensor("more", [1], seed: 1)) }, "a model of other tensors"),
            ({ $0.model = $0.model.keeping { $0 == "a" } }, "a model of other tensors"),
            ({ $0.frozen = ["of the site alone"] }, "freezes tensors"),
        ] as [((inout TrainTask) -> Void, String)] {
            var task = sum.task(of: "site-00")
            change(&task)
            await #expect {
                try await sum.filter.admit(task, site: "site-00")
            } throws: {
                "\($0)".contains(text)
            }
        }
        try await sum.filter.admit(sum.task(of: "site-00"), site: "site-00")
    }

    /// Names that differ between sites, and tensors that only some share.
    @Test func sitesOfOtherNetworksTrainAlike() async throws {
        let names = (0..<6).map { "site-0\($0)" }
        let sum = try SumFixture(
            6, threshold: 0.5,
            descriptions: names.enumerated().map { index, name in
                SiteDescription(
                    name: name, examples: 10,
                    tensors: [
                        TensorRole(TensorDescription(name: "all.\(index)", shape: [7]), alignedName: "all"),
                        TensorRole(TensorDescription(name: "some \(index % 2)", shape: [4])),
                    ])
            })
        try await sum.carryOut(.beforeTraining, with: names)
        let updates = try await sum.seal(names) { _, task in
            task.frozen = task.model.names.filter { $0.hasPrefix("all") }
        }
        try await sum.carryOut(.afterTraining, with: names)
        #expect(try await sum.filter.open(updates, sum.sealedRound).sites == names)
        // Where one of them begins elsewhere, too few are left to hide what it shares with two others.
        let other = try SumFixture(6, threshold: 0.5, descriptions: sum.plan.sites)
        try await other.carryOut(.beforeTraining, with: names)
        _ = try await other.seal(names) { site, task in
            if site == "site-01" { task.model.set(tensor("some 1", [4], seed: 3)) }
        }
        await #expect {
            try await other.carryOut(.afterTraining, with: names)
        } throws: {
            "\($0)".contains("A sum over 2 sites hides too little")
        }
    }

    // MARK: Weights

    @Test func weightsThatAreNotTheRunsAreRefused() async throws {
        func reasons(_ weighting: SiteWeighting, _ weights: [Double]) async throws -> String {
            var sum = try SumFixture(4)
            try sum.restart(weighting: weighting)
            sum.weights = Dictionary(uniqueKeysWithValues: zip(sum.sites, weights))
            do { return "\(try await sum.carryOut(.beforeTraining, with: sum.sites).reasons)" } catch {
                return "\(error)"
            }
        }
        let given = SiteWeighting(
            .given(["site-00": 0.2, "site-01": 0.3, "site-02": 0.1, "site-03": 0.4, "of another round": 7]))
        #expect(try await reasons(given, [2, 3, 1, 4]) == "[:]")
        #expect(try await reasons(SiteWeighting(.uniform), [7, 7, 7, 7]) == "[:]")
        for (weighting, weights) in [
            (given, [2, 3, 1.5, 4]), (SiteWeighting(.uniform), [2, 1, 1, 1]),
            (SiteWeighting(.given([:])), [1, 1, 1, 1]),
        ] as [(SiteWeighting, [Double])] {
            // Nobody is left, since all refuse.
            #expect(try await reasons(weighting, weights).contains("A sum over 0 sites"))
        }
        let sum = try SumFixture(3)
        var other = sum
        other.weights["site-01"] = 4
        try await other.carryOut(.beforeTraining, with: sum.sites)
        await #expect {
            _ = try await sum.seal(["site-01"])
        } throws: {
            "\($0)".contains("weighs site-01 by 4.0 in a secure sum, and its update is of 2 cases")
        }
        _ = try await sum.seal(["site-00"])
    }

    /// A hundred and two times twenty cases: the mean is mostly the update of the first.
    @Test func hospitalsThatAreTooUnequalGetToKnowTheRemedy() async throws {
        var sum = try SumFixture(3)
        sum.weights = ["site-00": 100, "site-01": 20, "site-02": 20]
        await #expect {
            try await sum.carryOut(.beforeTraining, with: sum.sites)
        } throws: {
            "\($0)".contains("71 % of the weight") && "\($0)".contains("weights: uniform")
                && "\($0)".contains("set largest_share")
        }
        var settings = SecureSumSettings()
        settings.largestShare = 0.75
        var other = try SumFixture(3, settings: settings)
        other.weights = sum.weights
        try await other.carryOut(.beforeTraining, with: other.sites)
    }

    /// Each of four sites adds a fourth of the noise.
    @Test func aCircleWithLessThanAllOfTheNoiseIsRefused() throws {
        var settings = SecureSumSettings()
        settings.noisySites = 4
        let names = (0..<5).map { "site-0\($0)" }
        let sum = try SumFixture(
            5, settings: settings,
            descriptions: names.enumerated().map { index, name in
                SiteDescription(
                    name: name, examples: 10,
                    tensors: [TensorRole(TensorDescription(name: "all", shape: [7]))]
                        + (index < 3 ? [TensorRole(TensorDescription(name: "some", shape: [4]))] : []))
            })
        #expect {
            try sum.filter.admit(sum.plan)
        } throws: {
            "\($0)".contains("some is shared by site-00 and site-01 and site-02 only")
                && "\($0)".contains("4 sites or more")
        }
    }
}
