import Foundation
import Testing

import Provisioning

@Suite("Enrolment") struct EnrolmentTests {
    let folder: TemporaryFolder
    let server: Kit
    let enrolment: Enrolment

    init() async throws {
        folder = try TemporaryFolder()
        server = try await Fixture.server(in: folder)
        enrolment = try server.enrolment(revocations: server.revocations())
    }

    private func request(_ name: String = "hospital_c", key: PrivateKey = PrivateKey()) throws -> String {
        try SigningRequest(name: name, key: key).pem
    }

    private func expect(
        _ refusal: EnrolmentRefusal, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("nothing was refused", sourceLocation: sourceLocation)
        } catch {
            #expect(error as? ProvisioningError == .refused(refusal), sourceLocation: sourceLocation)
        }
    }

    @Test func aTokenGivesOneCertificate() async throws {
        let invitation = try server.invite("hospital_c", organisation: "Hospital C")
        let key = PrivateKey()
        let chain = try enrolment.redeem(csr: request(key: key), token: invitation.token)
        let participant = try await server.authority.participant(of: chain)
        #expect(
            participant.name == "hospital_c" && participant.organisation == "Hospital C" && participant.kind == .site)
        #expect(chain.belongs(to: key))
        // The answer may have been lost: the same key gets the same certificate, another key none.
        #expect(try enrolment.redeem(csr: request(key: key), token: invitation.token) == chain)
        await expect(.used(name: "hospital_c")) { _ = try enrolment.redeem(csr: request(), token: invitation.token) }
    }

    @Test func anAdministratorGetsTheRoleOfTheInvitation() async throws {
        let invitation = try server.invite("ada@c.org", organisation: "Hospital C", role: .lead)
        let chain = try enrolment.redeem(csr: request("ada@c.org"), token: invitation.token)
        let participant = try await server.authority.participant(of: chain)
        #expect(participant.kind == .administrator && participant.role == .lead)
    }

    @Test func whatIsNotInvitedIsRefused() async throws {
        let invitation = try server.invite("hospital_c", organisation: "Hospital C", days: 2)
        await expect(.unknownToken) {
            _ = try enrolment.redeem(csr: request(), token: String(repeating: "0", count: 64))
        }
        await expect(.unknownToken) { _ = try enrolment.redeem(csr: request(), token: "") }
        await expect(.wrongName(invited: "hospital_c", requested: "hospital_a")) {
            _ = try enrolment.redeem(csr: request("hospital_a"), token: invitation.token)
        }
        await expect(.expired(name: "hospital_c")) {
            _ = try enrolment.redeem(
                csr: request(), token: invitation.token, now: Date(timeIntervalSinceNow: 3 * 86400))
        }
        let second = try server.invite("hospital_c", organisation: "Hospital C")
        await expect(.replaced(name: "hospital_c")) {
            _ = try enrolment.redeem(csr: request(), token: invitation.token)
        }
        _ = try enrolment.redeem(csr: request(), token: second.token)
        // None of the refusals used anything up, and none of them is kept.
        #expect(try enrolment.register.file.read().count == 3)
    }

    @Test(arguments: ["../x", "", "server", "a\u{7}", String(repeating: "x", count: 65)])
    func nobodyOfSuchANameIsInvited(name: String) {
        #expect(throws: ProvisioningError.self) { try server.invite(name, organisation: "x") }
        #expect(!FileManager.default.fileExists(atPath: server.local.appending(path: "enrolment.jsonl").path))
    }

    @Test func namesThatDifferInCaseAloneAreOne() async throws {
        _ = try server.invite("hospital_c", organisation: "x")
        await expectFailure("differs in letters' case") { _ = try server.invite("Hospital_C", organisation: "x") }
        #expect(try server.revoke("nobody") == 0)
    }

    @Test func theServerKeepsNoToken() throws {
        let invitation = try server.invite("hospital_c", organisation: "Hospital C")
        _ = try enrolment.redeem(csr: request(), token: invitation.token)
        let file = server.local.appending(path: "enrolment.jsonl")
        #expect(try !String(contentsOf: file, encoding: .utf8).contains(invitation.token))
        #expect(try mode(file) == 0o600)
    }

    /// A crash at every byte of the line that is written before the answer.
    @Test func aCrashWhileWritingLosesNothing() async throws {
        let invitation = try server.invite("hospital_c", organisation: "Hospital C")
        let file = server.local.appending(path: "enrolment.jsonl")
        let before = try Data(contentsOf: file)
        let key = PrivateKey()
        let chain = try enrolment.redeem(csr: request(key: key), token: invitation.token)
        let after = try Data(contentsOf: file)
        for length in stride(from: before.count, through: after.count - 1, by: 97) + [after.count - 1] {
            try after.prefix(length).write(to: file)
            // Nobody was answered yet, so the token is still good, for one.
            let again = try server.enrolment(revocations: server.revocations())
            let other = PrivateKey()
            let fresh = try again.redeem(csr: request(key: other), token: invitation.token)
            #expect(fresh.belongs(to: other))
            await expect(.used(name: "hospital_c")) { _ = try again.redeem(csr: request(), token: invitation.token) }
        }
        try after.write(to: file)
        let restarted = try server.enrolment(revocations: server.revocations())
        #expect(try restarted.redeem(csr: request(key: key), token: invitation.token) == chain)
        // A line that was promised and cannot be read stops everything.
        try (Data("{\"invi\n".utf8) + after).write(to: file)
        await expectFailure("line 1 cannot be read") {
            _ = try restarted.redeem(csr: request(key: key), token: invitation.token)
        }
    }

    @Test func ofManyAtOnceOneWins() async throws {
        let invitation = try server.invite("hospital_c", organisation: "Hospital C")
        let requests = try (0..<24).map { _ in try request() }
        let server = server
        let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
            for csr in requests {
                group.addTask {
                    let enrolment = try server.enrolment(revocations: server.revocations())
                    do {
                        _ = try enrolment.redeem(csr: csr, token: invitation.token)
                        return true
                    } catch ProvisioningError.refused(.used) {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
    }

    private func join(_ name: String = "hospital_c") throws -> (PrivateKey, CertificateChain) {
        let key = PrivateKey()
        let invitation = try server.invite(name, organisation: "Hospital C")
        return (key, try enrolment.redeem(csr: request(name, key: key), token: invitation.token))
    }

    @Test func aCertificateIsRenewedByWhoHoldsIt() async throws {
        let (key, chain) = try join()
        let same = try await enrolment.renew(csr: request(key: key), of: chain)
        #expect(same.belongs(to: key) && same != chain)
        let new = PrivateKey()
        let other = try await enrolment.renew(csr: request(key: new), of: same)
        #expect(other.belongs(to: new))
        // TLS libraries hand over the leaf alone; and a repeat is answered as before.
        #expect(try await enrolment.renew(csr: request(key: new), of: CertificateChain([same.leaf])) == other)
        #expect(try await server.authority.participant(of: other).organisation == "Hospital C")

        await expect(.wrongName(invited: "hospital_c", requested: "hospital_a")) {
            _ = try await enrolment.renew(csr: request("hospital_a"), of: chain)
        }
        await #expect(throws: ProvisioningError.self) {
            _ = try await enrolment.renew(
                csr: request(key: key), of: chain, now: Date(timeIntervalSinceNow: 400 * 86400))
        }
        let stranger = try Fixture.authority().issue(
            CertificateSubject(name: "hospital_c", organisation: "x", kind: .site), to: key.publicKey, days: 10)
        await expectFailure("cannot be renewed") { _ = try await enrolment.renew(csr: request(key: key), of: stranger) }
        await expectFailure("cannot be renewed") {
            _ = try await enrolment.renew(csr: request("server"), of: server.certificateChain())
        }
    }

    @Test func nobodyFillsTheRegister() async throws {
        let (_, chain) = try join()
        let first = PrivateKey()
        let renewed = try await enrolment.renew(csr: request(key: first), of: chain)
        for _ in 0..<7 { _ = try await enrolment.renew(csr: request(), of: chain) }
        await expectFailure("8 other keys") { _ = try await enrolment.renew(csr: request(), of: chain) }
        #expect(try await enrolment.renew(csr: request(key: first), of: chain) == renewed)
        // Nor by renewing what was renewed, over and over.
        var last = renewed
        for _ in 0..<16 { last = try await enrolment.renew(csr: request(), of: last) }
        await expectFailure("24 times in a day") { _ = try await enrolment.renew(csr: request(), of: last) }
        let tomorrow = Date(timeIntervalSinceNow: 2 * 86400)
        _ = try await enrolment.renew(csr: request(), of: last, now: tomorrow)
    }

    @Test func aRegisterThatIsTooLargeIsLeftAsItIs() async throws {
        _ = try server.invite("hospital_c", organisation: "Hospital C")
        let file = server.local.appending(path: "enrolment.jsonl")
        let handle = try FileHandle(forWritingTo: file)
        let size: UInt64 = 1 << 26 + 1
        try handle.truncate(atOffset: size)
        try handle.close()
        await expectFailure("64 MiB") { _ = try server.invite("hospital_d", organisation: "Hospital D") }
        #expect(try FileHandle(forReadingFrom: file).seekToEnd() == size)
    }

    @Test func aRenewalIsSignedWithTheOldKey() async throws {
        let (key, chain) = try join()
        let csr = try request(key: key)
        let proof = try RenewalProof(of: chain, for: csr, key: key)
        _ = try await enrolment.answer(EnrolmentRequest(csr: csr, proof: .certificate(proof)))
        // A certificate is public: without its key it renews nothing.
        let thief = PrivateKey()
        let theirs = try request(key: thief)
        for forged in [try RenewalProof(of: chain, for: theirs, key: thief), proof] {
            await expectFailure("not signed with the key") {
                _ = try await enrolment.answer(EnrolmentRequest(csr: theirs, proof: .certificate(forged)))
            }
        }
    }

    @Test func whoIsRevokedStaysOutUntilInvitedAgain() async throws {
        let (key, chain) = try join()
        let waiting = try server.invite("hospital_c", organisation: "Hospital C")
        try server.revoke("hospital_c", reason: "laptop stolen")
        let revocations = enrolment.revocations
        #expect(try revocations.isRevoked(Participant(chain.leaf)))
        await expect(.revoked(name: "hospital_c")) { _ = try await enrolment.renew(csr: request(key: key), of: chain) }
        await expect(.revoked(name: "hospital_c")) { _ = try enrolment.redeem(csr: request(), token: waiting.token) }
        let back = try server.invite("hospital_c", organisation: "Hospital C")
        let again = try enrolment.redeem(csr: request(), token: back.token)
        #expect(try !revocations.isRevoked(Participant(again.leaf)))
        #expect(try revocations.isRevoked(Participant(chain.leaf)))
    }

    @Test func requestsAndRepliesAreFiles() async throws {
        let invitation = try server.invite("hospital_c", organisation: "Hospital C")
        let request = EnrolmentRequest(csr: try request(), proof: .token(invitation.token))
        try request.write(to: folder("r"))
        #expect(try EnrolmentRequest(contentsOf: folder("r")) == request)
        #expect(try mode(folder("r")) == 0o600)
        let reply = try await enrolment.answer(request)
        try reply.write(to: folder("a"))
        #expect(try EnrolmentReply(contentsOf: folder("a")) == reply)
        for text in [
            "{}", "hello", #"{"cohort_request": 1, "csr": "x"}"#, #"{"cohort_request": 2, "csr": "x", "token": "y"}"#,
        ] {
            try Data(text.utf8).write(to: folder("r"))
            await expectFailure("ask for it again") { _ = try EnrolmentRequest(contentsOf: folder("r")) }
        }
        try Data(count: 1 << 20).write(to: folder("r"))
        await expectFailure("larger than") { _ = try EnrolmentRequest(contentsOf: folder("r")) }
    }
}

@Suite("Revocation") struct RevocationTests {
    private let someone = AuthorizationTests.person(.lead, name: "hospital_a")

    @Test func itNoticesWhatAnotherProcessWrites() throws {
        let folder = try TemporaryFolder()
        let (server, command) = (RevocationList(in: folder.url), RevocationList(in: folder.url))
        let now = Date()
        var participant = someone
        participant.notBefore = now - 600
        participant.serial = "0a"
        #expect(try !server.isRevoked(participant))
        try command.revoke(name: "Hospital_A", at: now)
        #expect(try server.isRevoked(participant))
        #expect(try !server.isRevoked(serial: "0a"))
        try command.revoke(serial: "0A:0B")
        #expect(try server.isRevoked(serial: "0a0b") && !server.isRevoked(serial: "0a"))
        // A certificate of later, of the same name, counts.
        participant.notBefore = now + 1
        #expect(try !server.isRevoked(participant))
        #expect(throws: ProvisioningError.self) { try command.revoke(serial: "xyz") }
        #expect(throws: ProvisioningError.self) { try command.revoke(name: "../a") }
    }

    @Test func aListThatCannotBeReadLetsNobodyIn() throws {
        let folder = try TemporaryFolder()
        let list = RevocationList(in: folder.url)
        try list.revoke(name: "hospital_b")
        #expect(try !list.isRevoked(someone))
        let file = folder("revoked.jsonl")
        let data = try Data(contentsOf: file)
        try (Data("garbage\n".utf8) + data).write(to: file)
        #expect(throws: ProvisioningError.self) { try list.isRevoked(someone) }
        #expect(throws: ProvisioningError.self) { try list.isRevoked(serial: "01") }
        try FileManager.default.removeItem(at: file)
        #expect(throws: ProvisioningError.self) { try list.isRevoked(someone) }
        try data.write(to: file)
        #expect(try !list.isRevoked(someone))
    }
}
