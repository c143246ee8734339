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
@Suite struct SecureSumAttackTests: SumAttack {
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
        let reasons = try await sum.carryOut(
            .beforeTraining, with: sum.sites,
            between: { site, step, question in
                // Asked anew, it makes others; the server goes on with the first.
                guard site == "site-00", step == 1 else { return }
                var other = try decoded(question)
                other.round = 7
                _ = try await sum.filter.answer(encoded(other), site: site)
                _ = try await sum.filter.answer(question, site: site)
            }
        ).reasons
        #expect("\(try #require(reasons["site-00"]))".contains("other keys of site-00 than it made"))
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

    /// Keys of low order, with which every other key makes the same secret; rightly signed.
    @Test func keysThatAgreeWithNoneAreLeftOut() async throws {
        func weak(_ sum: SumFixture, _ own: Advertisement, session: Data) throws -> Advertisement {
            var own = own
            own.maskKey = Data(count: 32)
            own.signature = try sum.keys[own.site]!.sign(own.signedBytes(run: "test", round: 1, session: session))
            return own
        }
        let sum = try SumFixture(5)
        var session = Data()
        let (left, reasons) = try await sum.carryOut(
            .beforeTraining, with: sum.sites,
            change: { _, _, data in
                session = try decoded(data).session
                return data
            },
            changeAnswer: { site, step, data in
                guard site == "site-04", step == 1 else { return data }
                return try encoded(
                    try weak(sum, JSONDecoder().decode(Advertisement.self, from: data), session: session))
            }
        )
        #expect(left == sum.sites, "\(reasons)")
        let rest = Array(sum.sites.dropLast())
        let updates = try await sum.seal(rest)
        try await sum.carryOut(.afterTraining, with: rest)
        #expect(try await sum.filter.open(updates, sum.sealedRound).sites == rest)
        // A server that lets them pass gets no shares.
        let other = try SumFixture(5)
        try await expectForged(
            other, .beforeTraining, step: 2, saying: "The keys of site-04 for a secure sum are no keys"
        ) {
            question in
            guard case .roster(var roster, let tensors) = question.stage else { return }
            roster.advertisements[4] = try weak(other, roster.advertisements[4], session: question.session)
            question.stage = .roster(roster, own: tensors)
        }
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

    /// One site is told other weights than the others are. Its sum is then another one than theirs, their shares do not open,
    /// and the others go on without it.
    @Test func sitesThatAreToldDifferentThingsNoticeIt() async throws {
        let sum = try SumFixture(5)
        try await sum.carryOut(
            .beforeTraining, with: sum.sites,
            change: { site, step, data in
                var question = try decoded(data)
                guard site == "site-00", case .roster(var roster, let tensors) = question.stage else { return data }
                roster.weights["site-01"] = 2.5
                question.stage = .roster(roster, own: tensors)
                return try encoded(question)
            })
        await #expect(throws: PrivacyError.self) { _ = try await sum.seal(["site-00"]) }
        let rest = Array(sum.sites.dropFirst())
        let updates = try await sum.seal(rest)
        try await sum.carryOut(.afterTraining, with: rest)
        #expect(try await sum.filter.open(updates, sum.sealedRound).sites == rest)
    }

    /// Shapes whose number of values no number holds.
    @Test func shapesThatNoTensorHasAreRefused() async throws {
        for shape in [[1 << 32, 1 << 32], [-1, 200], [Int.max, 2]] {
            let sum = try SumFixture(5)
            var reason = ""
            do {
                let reasons = try await sum.carryOut(
                    .beforeTraining, with: sum.sites,
                    change: { site, step, data in
                        guard site == "site-00", step == 2 else { return data }
                        let text = String(decoding: data, as: UTF8.self)
                        return Data(text.replacing("[40,5]", with: "\(shape)").utf8)
                    }
                ).reasons
                reason = "\(reasons)"
            }
            #expect(reason.contains("cannot be read"))
        }
    }

    // MARK: Shares

    /// Whom site-00 names when what comes to it is changed, and that it then has no part in the sum.
    private func expectNamed(
        _ names: [String], _ sum: SumFixture, _ change: (inout [String: Data]) -> Void
    ) async throws {
        var named: [[String]] = []
        try await sum.carryOut(
            .beforeTraining, with: sum.sites,
            change: { site, step, data in
                var question = try decoded(data)
                guard site == "site-00", case .shares(var sealed) = question.stage else { return data }
                change(&sealed)
                question.stage = .shares(sealed)
                return try encoded(question)
            },
            changeAnswer: { site, step, data in
                if site == "site-00", step == 3 { named.append(try JSONDecoder().decode([String].self, from: data)) }
                return data
            })
        #expect(named.first == names)
        await #expect(throws: PrivacyError.self) { _ = try await sum.seal(["site-00"]) }
    }

    @Test func sharesThatWereTamperedWithAreNamed() async throws {
        try await expectNamed(["site-03"], try SumFixture(5)) { $0["site-03"]![20] ^= 1 }
        try await expectNamed(["site-02", "site-03"], try SumFixture(7)) {
            ($0["site-03"], $0["site-02"]) = ($0["site-02"], $0["site-03"])
        }
        try await expectForged(try SumFixture(5), .beforeTraining, step: 3, saying: "other sites than the neighbours") {
            question in
            guard case .shares(var sealed) = question.stage else { return }
            sealed["site-03"] = nil
            question.stage = .shares(sealed)
        }
    }

    @Test func sharesOfAnotherRoundAreNamed() async throws {
        var sum = try SumFixture(5)
        var before: [String: Data] = [:]
        try await sum.carryOut(.beforeTraining, with: sum.sites) { site, step, data in
            if site == "site-00", step == 3, case .shares(let sealed) = try decoded(data).stage { before = sealed }
            return data
        }
        #expect(before.count == 4)
        sum.round = 2
        // All but itself.
        try await expectNamed(Array(sum.sites.dropFirst()), sum) { $0 = before }
    }

    /// A site whose shares nobody can open, and one that says of another that its shares cannot be opened.
    @Test func whoBreaksAnAgreementIsLeftOut() async throws {
        for isGarbage in [true, false] {
            let sum = try SumFixture(6)
            try await sum.carryOut(
                .beforeTraining, with: sum.sites,
                changeAnswer: { site, step, data in
                    guard site == "site-02" else { return data }
                    if isGarbage, step == 2 {
                        let shares = try JSONDecoder().decode([String: Data].self, from: data)
                        return try encoded(shares.mapValues { _ in Data(count: 92) })
                    }
                    return !isGarbage && step == 3 ? try encoded(["site-04"]) : data
                })
            let rest = sum.sites.filter { $0 != "site-02" && (isGarbage || $0 != "site-04") }
            let updates = try await sum.seal(rest)
            try await sum.carryOut(.afterTraining, with: rest)
            #expect(try await sum.filter.open(updates, sum.sealedRound).sites == rest)
            await #expect(throws: PrivacyError.self) { _ = try await sum.seal(["site-02"]) }
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
            _ = try await sum.seal(sum.update(of: "site-01"), of: "site-01") { $0.round = 2 }
        }
    }
}
