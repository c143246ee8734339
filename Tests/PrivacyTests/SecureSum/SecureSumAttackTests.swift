import Crypto
import Federation
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a server that lies, or someone between, might do; and what sites and server then say.
@Suite struct SecureSumAttackTests {
    private func decoded(_ data: Data) throws -> SumQuestion { try JSONDecoder().decode(SumQuestion.self, from: data) }
    private func encoded(_ message: some Encodable) throws -> Data { try JSONEncoder().encode(message) }

    /// Whether a site refuses what a question is changed into, as forged.
    private func expectForged(
        _ sum: SumFixture, _ moment: FilterMoment, step: Int, saying text: String,
        _ location: SourceLocation = #_sourceLocation,
        _ change: @escaping (inout SumQuestion) throws -> Void
    ) async throws {
        do {
            let reasons = try await sum.carryOut(
                moment, with: sum.sites,
                change: { site, at, data in
                    guard site == "site-00", at == step else { return data }
                    var question = try decoded(data)
                    try change(&question)
                    return try encoded(question)
                }
            ).reasons
            try check(reasons["site-00"])
        } catch let error as PrivacyError { Issue.record(error, sourceLocation: location) }
        func check(_ reason: (any Error)?) throws {
            guard case .forged(let said) = reason as? PrivacyError else {
                Issue.record("\(String(describing: reason))", sourceLocation: location)
                return
            }
            #expect(said.contains(text), sourceLocation: location)
        }
    }

    // MARK: Keys

    @Test func keysThatTheServerPutInAreRefused() async throws {
        let keys = Curve25519.KeyAgreement.PrivateKey().publicKey.rawRepresentation
        for own in [0, 2] {
            let text = own == 0 ? "site-00 for a secure sum are not signed" : "site-02 for a secure sum are not signed"
            try await expectForged(try SumFixture(5), .beforeTraining, step: 2, saying: text) { question in
                guard case .roster(var roster, let tensors) = question.stage else { return }
                roster.advertisements[own].cipherKey = keys
                question.stage = .roster(roster, own: tensors)
            }
        }
    }

    @Test func keysOfAnUnknownSiteAreRefused() async throws {
        let signer = Curve25519.Signing.PrivateKey()
        try await expectForged(
            try SumFixture(5), .beforeTraining, step: 2, saying: "site-99 for a secure sum are not signed"
        ) {
            question in
            guard case .roster(var roster, let tensors) = question.stage else { return }
            var stranger = roster.advertisements[4]
            stranger.site = "site-99"
            stranger.signature = try signer.sign(
                stranger.signedBytes(run: "test", round: question.round, session: question.session))
            roster.advertisements.append(stranger)
            roster.weights["site-99"] = 1
            question.stage = .roster(roster, own: tensors)
        }
    }

    /// Keys of the round before, rightly signed then.
    @Test func keysOfAnotherRoundAreRefused() async throws {
        var sum = try SumFixture(5)
        var before: Advertisement?
        try await sum.carryOut(.beforeTraining, with: sum.sites) { site, step, data in
            if step == 2, case .roster(let roster, _) = try decoded(data).stage { before = roster.advertisements[3] }
            return data
        }
        let old = try #require(before)
        sum.round = 2
        try await expectForged(sum, .beforeTraining, step: 2, saying: "site-03 for a secure sum are not signed") {
            question in
            guard case .roster(var roster, let tensors) = question.stage else { return }
            roster.advertisements[3] = old
            question.stage = .roster(roster, own: tensors)
        }
    }

    /// Keys that a site made for this very sum, before it was begun anew.
    @Test func keysThatASiteHasLetGoOfAreRefused() async throws {
        let sum = try SumFixture(5)
        var before: Advertisement?
        try await sum.carryOut(.beforeTraining, with: sum.sites) { site, step, data in
            if step == 2, case .roster(let roster, _) = try decoded(data).stage { before = roster.advertisements[0] }
            return data
        }
        let old = try #require(before)
        try await expectForged(sum, .beforeTraining, step: 2, saying: "other keys of site-00 than it made") {
            question in
            guard case .roster(var roster, let tensors) = question.stage else { return }
            roster.advertisements[0] = old
            question.stage = .roster(roster, own: tensors)
        }
    }

    /// The server leaves a site out that signs wrongly, and the others go on.
    @Test func aSiteThatSignsWithAnotherKeyIsLeftOut() async throws {
        let sum = try SumFixture(5)
        try await sum.carryOut(
            .beforeTraining, with: sum.sites,
            changeAnswer: { site, step, data in
                guard site == "site-01", step == 1 else { return data }
                var own = try JSONDecoder().decode(Advertisement.self, from: data)
                own.signature[5] ^= 1
                return try encoded(own)
            })
        let rest = sum.sites.filter { $0 != "site-01" }
        await #expect(throws: PrivacyError.self) { _ = try await sum.seal(["site-01"]) }
        let updates = try await sum.seal(rest)
        try await sum.carryOut(.afterTraining, with: rest)
        let means = try await sum.filter.open(updates, sum.sealedRound).tensors.weights()
        #expect(means["a"]?.floats == sum.mean(sum.plan.shares[0], over: rest, of: rest))
    }

    // MARK: The roster

    @Test func aSumThatHidesLessThanItSeemsIsRefused() async throws {
        // The server says that this site shares what it is not to send.
        try await expectForged(try SumFixture(5), .beforeTraining, step: 2, saying: "it shares other tensors") {
            question in
            guard case .roster(let roster, _) = question.stage else { return }
            question.stage = .roster(roster, own: [[]])
        }
        // A circle of sites that are not in the sum.
        try await expectForged(try SumFixture(5), .beforeTraining, step: 2, saying: "by sites that are not in it") {
            question in
            guard case .roster(var roster, let tensors) = question.stage else { return }
            roster.circles[0].members[4] = "site-99"
            question.stage = .roster(roster, own: tensors)
        }
    }

    /// One site is told other weights than the others are. Its sum is then another one than theirs, and their shares do not
    /// open.
    @Test func sitesThatAreToldDifferentThingsNoticeIt() async throws {
        let sum = try SumFixture(5)
        do {
            let reasons = try await sum.carryOut(
                .beforeTraining, with: sum.sites,
                change: { site, step, data in
                    var question = try decoded(data)
                    guard site == "site-00", case .roster(var roster, let tensors) = question.stage else { return data }
                    roster.weights["site-01"] = 2.5
                    question.stage = .roster(roster, own: tensors)
                    return try encoded(question)
                }
            ).reasons
            Issue.record("\(reasons)")
        } catch let error as PrivacyError {
            // Nobody is left: every site's shares are for another sum than site-00's.
            #expect("\(error)".contains("hides too little"))
        }
    }

    // MARK: Shares

    @Test func sharesThatWereTamperedWithAreRefused() async throws {
        try await expectForged(try SumFixture(5), .beforeTraining, step: 3, saying: "are not as it sent them") {
            question in
            guard case .shares(var sealed) = question.stage else { return }
            sealed["site-03"]![20] ^= 1
            question.stage = .shares(sealed)
        }
        try await expectForged(try SumFixture(5), .beforeTraining, step: 3, saying: "are not as it sent them") {
            question in
            guard case .shares(var sealed) = question.stage else { return }
            (sealed["site-03"], sealed["site-02"]) = (sealed["site-02"], sealed["site-03"])
            question.stage = .shares(sealed)
        }
        try await expectForged(try SumFixture(5), .beforeTraining, step: 3, saying: "other sites than the neighbours") {
            question in
            guard case .shares(var sealed) = question.stage else { return }
            sealed["site-03"] = nil
            question.stage = .shares(sealed)
        }
    }

    @Test func sharesOfAnotherRoundAreRefused() async throws {
        var sum = try SumFixture(5)
        var before: [String: Data] = [:]
        try await sum.carryOut(.beforeTraining, with: sum.sites) { site, step, data in
            if site == "site-00", step == 3, case .shares(let sealed) = try decoded(data).stage { before = sealed }
            return data
        }
        #expect(before.count == 4)
        sum.round = 2
        try await expectForged(sum, .beforeTraining, step: 3, saying: "or of another secure sum") { [before] question in
            question.stage = .shares(before)
        }
    }

    // MARK: Messages again

    @Test func aMessageOfAnotherSumOrOutOfTurnIsRefused() async throws {
        var sum = try SumFixture(5)
        var seen: [Data] = []
        try await sum.carryOut(.beforeTraining, with: sum.sites) { site, _, data in
            if site == "site-00" { seen.append(data) }
            return data
        }
        #expect(seen.count == 3)
        // Once more, and the same answer: a reply may have been lost.
        _ = try await sum.filter.answer(seen[2], site: "site-00")
        await #expect {
            _ = try await sum.filter.answer(seen[1], site: "site-00")
        } throws: {
            ($0 as? PrivacyError).map { "\($0)".contains("out of turn") } == true
        }
        sum.round = 2
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        for old in seen.dropFirst() {
            await #expect {
                _ = try await sum.filter.answer(old, site: "site-00")
            } throws: {
                "\($0)".contains("of another secure sum")
            }
        }
        await #expect(throws: PrivacyError.self) { _ = try await sum.filter.answer(Data("{}".utf8), site: "site-00") }
    }

    @Test func oneSumSealsOneUpdate() async throws {
        let sum = try SumFixture(3)
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        _ = try await sum.seal(["site-00"])
        await #expect(throws: PrivacyError.self) { _ = try await sum.seal(["site-00"]) }
        await #expect(throws: PrivacyError.self) {
            _ = try await sum.filter.atSite(sum.update(of: "site-01"), FilterContext(round: 2, site: "site-01"))
        }
    }

    // MARK: Opening

    /// Flower's fault: both secrets of one site, by asking for it as lost and as there.
    @Test func noSiteTellsBothSecretsOfAnother() async throws {
        let sum = try SumFixture(5)
        try await sum.carryOut(.beforeTraining, with: sum.sites)
        _ = try await sum.seal(sum.sites)
        var session = Data()
        var votes: [String: SurvivorVote] = [:]
        // Half of the sites are told that site-04 is lost, and half that it is there.
        for site in sum.sites {
            let told = site < "site-02" ? Array(sum.sites.dropLast()) : sum.sites
            session = try sessionOf(sum)
            let question = SumQuestion(round: 1, session: session, stage: .survivors(told))
            votes[site] = try JSONDecoder().decode(
                SurvivorVote.self, from: await sum.filter.answer(encoded(question), site: site))
        }
        // A site that has signed one choice signs no other.
        let other = SumQuestion(round: 1, session: session, stage: .survivors(Array(sum.sites.dropFirst(2))))
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

    @Test func sharesThatAreWrongAreFoundWhenTheSumIsOpened() async throws {
        for isSeed in [true, false] {
            let sum = try SumFixture(5)
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
