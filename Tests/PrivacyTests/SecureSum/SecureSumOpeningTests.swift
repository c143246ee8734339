import Crypto
import Federation
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a server that lies, or a site, might do when a sum is opened; and what the others then say.
@Suite struct SecureSumOpeningTests: SumAttack {
    /// Flower's fault: both secrets of one site, by asking for it as lost and as there.
    @Test func noSiteTellsBothSecretsOfAnother() async throws {
        let sum = try SumFixture(5)
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        let statements = try sum.statements(try await sum.seal(sum.sites))
        var session = Data()
        var votes: [String: SurvivorVote] = [:]
        // Half of the sites are told that site-04 is lost, and half that it is there.
        for site in sum.sites {
            let told = site < "site-02" ? Array(statements.dropLast()) : statements
            session = try sessionOf(sum)
            let question = SumQuestion(round: 1, session: session, stage: .survivors(told))
            votes[site] = try JSONDecoder().decode(
                SurvivorVote.self, from: await sum.filter.answer(encoded(question), site: site))
        }
        // A site that has signed one choice signs no other.
        let other = SumQuestion(round: 1, session: session, stage: .survivors(Array(statements.dropFirst(2))))
        let again = try JSONDecoder().decode(
            SurvivorVote.self, from: await sum.filter.answer(encoded(other), site: "site-02"))
        #expect(again == votes["site-02"])
        // With all votes nobody tells anything, and with those of the same mind there are too few.
        for site in sum.sites {
            await #expect {
                let question = SumQuestion(round: 1, session: session, stage: .disclosure(votes))
                _ = try await sum.filter.answer(encoded(question), site: site)
            } throws: {
                "\($0)".contains("told sites different things")
            }
        }
        await #expect {
            let same = votes.filter { $0.key < "site-02" }
            _ = try await sum.filter.answer(
                encoded(SumQuestion(round: 1, session: session, stage: .disclosure(same))), site: "site-00")
        } throws: {
            "\($0)".contains("2 sites agree")
        }
    }

    private func sessionOf(_ sum: SumFixture) throws -> Data {
        guard var exchange = try sum.filter.exchange(.afterTraining, sum.sealedRound),
            let question = try exchange.next([:], sites: sum.sites)?.values.first
        else { return Data() }
        return try decoded(question).session
    }

    @Test func votesThatAreNotSignedAreRefused() async throws {
        for change in [
            { (votes: inout [String: SurvivorVote]) in votes["site-03"]!.signature[3] ^= 1 },
            { votes in votes["site-03"]!.signature = votes["site-02"]!.signature },
            { votes in votes["site-99"] = votes["site-02"] },
        ] as [@Sendable (inout [String: SurvivorVote]) -> Void] {
            let sum = try SumFixture(5)
            try await sum.carryOut(.beforeTraining, with: sum.sites)
            _ = try await sum.seal(sum.sites)
            try await expectForged(sum, .afterTraining, step: 2, saying: "has not signed") { question in
                guard case .disclosure(var votes) = question.stage else { return }
                change(&votes)
                question.stage = .disclosure(votes)
            }
        }
    }

    /// One site's vote for fewer, rightly signed.
    @Test func oneSitesVoteDoesNotTurnTheOthers() async throws {
        let sum = try SumFixture(5)
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        let updates = try await sum.seal(sum.sites)
        let fewer = Array(sum.sites.dropLast(2))
        try await sum.carryOut(
            .afterTraining, with: sum.sites,
            changeAnswer: { site, step, data in
                guard site == "site-00", step == 1 else { return data }
                let binding = try #require(sum.filter.session(sum.sealedRound))
                return try encoded(
                    SurvivorVote(
                        survivors: fewer,
                        signature: sum.keys[site]!.sign(SurvivorVote.signedBytes(fewer, of: binding))))
            })
        #expect(try await sum.filter.open(updates, sum.sealedRound).sites == sum.sites)
    }

    /// Six sites stand in a ring, of which two opposite ones are lost: two sums of two would be left.
    @Test func partsOfTheGraphThatHideTooFewAreNotOpened() async throws {
        var sum = try SumFixture(6, threshold: 0.5, neighbours: 2)
        sum.weights = sum.weights.mapValues { _ in 10 }
        var neighbours: [String: Set<String>] = [:]
        var session = Data()
        try await sum.carryOut(
            .beforeTraining, with: sum.sites,
            change: { _, _, data in
                session = try decoded(data).session
                return data
            },
            changeAnswer: { site, step, data in
                if step == 2 {
                    neighbours[site] = Set(try JSONDecoder().decode([String: Data].self, from: data).keys)
                }
                return data
            })
        let first = try #require(neighbours["site-00"])
        #expect(first.count == 2)
        let opposite = try #require(
            sum.sites.first { $0 != "site-00" && !first.contains($0) && first.isDisjoint(with: neighbours[$0] ?? []) })
        let rest = sum.sites.filter { $0 != "site-00" && $0 != opposite }
        let statements = try sum.statements(try await sum.seal(rest))
        await #expect {
            try await sum.carryOut(.afterTraining, with: rest)
        } throws: {
            "\($0)".contains("A sum over 2 sites hides too little")
        }
        // Nor do sites help a server that asks all the same.
        let asked = SumQuestion(round: 1, session: session, stage: .survivors(statements))
        for site in rest {
            await #expect {
                _ = try await sum.filter.answer(encoded(asked), site: site)
            } throws: {
                "\($0)".contains("A sum over 2 sites hides too little")
            }
        }
        let all = try SumFixture(6, threshold: 0.5, neighbours: 2)
        try await all.carryOut(.beforeTraining, with: all.sites)
        let updates = try await all.seal(all.sites)
        try await all.carryOut(.afterTraining, with: all.sites)
        #expect(try await all.filter.open(updates, all.sealedRound).sites == all.sites)
    }

    @Test func aDisclosureTellsOneSecretOfEach() async throws {
        let sum = try SumFixture(5)
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        let survivors = Array(sum.sites.dropLast())
        _ = try await sum.seal(survivors)
        var seen = 0
        try await sum.carryOut(
            .afterTraining, with: survivors,
            changeAnswer: { _, step, data in
                if step == 2 {
                    let disclosure = try JSONDecoder().decode(Disclosure.self, from: data)
                    #expect(disclosure.seeds.keys.sorted() == survivors && disclosure.keys.keys.sorted() == ["site-04"])
                    seen += 1
                }
                return data
            })
        #expect(seen == 4)
    }

    /// One site tells wrong shares. Where more help than must, the sum is opened without it.
    @Test(arguments: [0.5, 0.75])
    func sharesThatAreWrongAreFoundWhenTheSumIsOpened(threshold: Double) async throws {
        for isSeed in [true, false] {
            let sum = try SumFixture(5, threshold: threshold)
            try await sum.carryOut(.beforeTraining, with: sum.sites)
            let survivors = Array(sum.sites.dropLast())
            let updates = try await sum.seal(survivors)
            try await sum.carryOut(
                .afterTraining, with: survivors,
                changeAnswer: { site, step, data in
                    guard site == "site-00", step == 2 else { return data }
                    var disclosure = try JSONDecoder().decode(Disclosure.self, from: data)
                    if isSeed { disclosure.seeds["site-01"]![0] ^= 1 } else { disclosure.keys["site-04"]![7] ^= 4 }
                    return try encoded(disclosure)
                })
            if threshold == 0.5 {
                #expect(try await sum.filter.open(updates, sum.sealedRound).sites == survivors)
                continue
            }
            await #expect {
                _ = try await sum.filter.open(updates, sum.sealedRound)
            } throws: {
                guard case .forged = $0 as? PrivacyError else { return false }
                return true
            }
        }
    }

    /// A round that was opened is opened again with the same updates only: the difference of two sums would be one of them.
    @Test func aRoundIsNotOpenedASecondTimeWithOtherUpdates() async throws {
        let sum = try SumFixture(5)
        let first = Array(sum.sites.dropLast())
        for attempt in 0..<2 {
            try await sum.carryOut(.beforeTraining, with: sum.sites)
            let came = attempt == 0 ? first : sum.sites
            let updates = try await sum.seal(came)
            try await sum.carryOut(.afterTraining, with: came)
            let opened = try await sum.filter.open(updates, sum.sealedRound)
            // The second time the fifth update is there as well, and stays closed.
            #expect(opened.sites == first)
            #expect(
                try opened.tensors.weights()["a"]?.floats == sum.mean(sum.plan.shares[0], over: first, of: sum.sites))
        }
        // And where one of those is missing, nothing is opened.
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        let others = Array(sum.sites.dropFirst())
        let updates = try await sum.seal(others)
        await #expect(throws: PrivacyError.self) {
            try await sum.carryOut(.afterTraining, with: others)
            _ = try await sum.filter.open(updates, sum.sealedRound)
        }
    }

    @Test func anUpdateOfAnotherSumIsNotAdded() async throws {
        var sum = try SumFixture(3)
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        let old = try await sum.seal(["site-00"])["site-00"]!
        sum.round = 2
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        #expect {
            try sum.filter.check(old, from: "site-00", sum.sealedRound)
        } throws: {
            "\($0)".contains("sealed for another sum")
        }
        var plain = old
        plain.tensors = sum.update(of: "site-00").tensors
        #expect(throws: PrivacyError.self) { try sum.filter.check(plain, from: "site-00", sum.sealedRound) }
    }
}
