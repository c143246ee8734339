import Foundation
import Testing

import Provisioning

@Suite("Joining") struct JoiningTests {
    let folder: TemporaryFolder
    let server: Kit
    let enrolment: Enrolment

    init() async throws {
        folder = try TemporaryFolder()
        server = try await Fixture.server(in: folder)
        enrolment = try server.enrolment(revocations: server.revocations())
    }

    private func invitation(_ name: String = "hospital_c") throws -> Invitation {
        let file = folder("\(name).invitation")
        try server.invite(name, organisation: "Hospital C").write(to: file)
        return try Invitation(contentsOf: file)
    }

    @Test func aSiteJoinsByFiles() async throws {
        let joining = try Joining(invitation(), in: folder("site"))
        try joining.request.write(to: joining.requestFile)
        let reply = try await enrolment.answer(EnrolmentRequest(contentsOf: joining.requestFile))
        let resumed = try Joining(resuming: folder("site"))
        let participant = try await resumed.complete(reply)
        #expect(participant.name == "hospital_c")

        let kit = try Kit(contentsOf: folder("site"))
        #expect(kit.settings.server == .init(host: "fl.example.org", port: 8003, administrationPort: 8103))
        #expect(kit.settings.authorityFingerprint == server.authority.fingerprint)
        #expect(try await kit.participant() == participant)
        #expect(try await kit.verify(fingerprint: server.authority.fingerprint).files == 0)
        #expect(try mode(folder("site/site.key")) == 0o600 && mode(folder("site")) == 0o700)
        #expect(
            try Set(folder.contents(of: "site").keys)
                == ["site.json", "site.pem", "site.key", "authority.pem", "readme.txt", "site-policy.yaml.sample"])
        await expectFailure("finished kit") { _ = try Joining(try invitation(), in: folder("site")) }
        // The key was never anywhere else.
        let key = try String(contentsOf: folder("site/site.key"), encoding: .utf8)
        for (_, data) in try folder.contents(of: "study") {
            #expect(!String(decoding: data, as: UTF8.self).contains(key))
        }
    }

    @Test func brokenOffItGoesOnWithTheSameKey() async throws {
        let invitation = try invitation()
        let first = try await enrolment.answer(Joining(invitation, in: folder("site")).request)
        // The reply was lost; the site begins again.
        let again = try Joining(invitation, in: folder("site"))
        let second = try await enrolment.answer(again.request)
        #expect(first == second)
        try await again.complete(second)
    }

    @Test func aReplyOfAnotherServerOrForAnotherKeyIsRefused() async throws {
        let invitation = try invitation()
        let joining = try Joining(invitation, in: folder("site"))
        let other = try TemporaryFolder()
        let stranger = try await Fixture.server(in: other)
        var forged = invitation
        forged.token = try stranger.invite("hospital_c", organisation: "Hospital C").token
        let theirs = try await stranger.enrolment(revocations: stranger.revocations()).answer(
            Joining(forged, in: other("x")).request)
        await expectFailure("does not come from the server") { try await joining.complete(theirs) }
        // The right authority's certificate does not help a wrong one.
        let mixed = EnrolmentReply(certificates: theirs.certificates, authority: server.authority.pem)
        await expectFailure("not trusted") { try await joining.complete(mixed) }
        let neighbour = try await enrolment.answer(Joining(self.invitation("hospital_d"), in: folder("d")).request)
        await expectFailure("not for this request") { try await joining.complete(neighbour) }
        #expect(!FileManager.default.fileExists(atPath: folder("site/site.json").path))
        try await joining.complete(try await enrolment.answer(joining.request))
    }

    @Test func anInvitationIsCheckedBeforeAnythingIsMade() async throws {
        let file = folder("i")
        let good = try invitation()
        func expect(_ words: String, _ change: (inout Invitation) -> Void) async throws {
            var bad = good
            change(&bad)
            try bad.write(to: file)
            await expectFailure(words) { _ = try Invitation(contentsOf: file) }
        }
        try await expect("does not begin") { $0.name = "../../etc" }
        try await expect("does not begin") { $0.project = "../x" }
        try await expect("invites a server") { $0.kind = .server }
        try await expect("no server") { $0.server.host = "a b" }
        try await expect("has expired") { $0.expires = Date() - 1 }
        try await expect("another version") { $0.version = 9 }
        try Data("{}".utf8).write(to: file)
        await expectFailure("no invitation") { _ = try Invitation(contentsOf: file) }
    }

    @Test func anEncryptedKeyStaysEncrypted() async throws {
        let joining = try Joining(invitation(), in: folder("site"), passphrase: "correct horse")
        let reply = try await enrolment.answer(joining.request)
        await expectFailure("is encrypted") { _ = try Joining(resuming: folder("site")) }
        try await Joining(resuming: folder("site"), passphrase: "correct horse").complete(reply)
        let kit = try Kit(contentsOf: folder("site"))
        _ = try await kit.verify()
        await expectFailure("is encrypted") { _ = try kit.privateKey() }
        _ = try kit.privateKey { "correct horse" }
        let renewal = try Renewal(of: kit, newKey: true) { "correct horse" }
        try await renewal.complete(try await enrolment.answer(renewal.request))
        #expect(try String(contentsOf: folder("site/site.key"), encoding: .utf8).contains("ENCRYPTED"))
    }

    @Test func aRenewalTakesTheNewCertificateAndKey() async throws {
        let joining = try Joining(invitation(), in: folder("site"))
        try await joining.complete(try await enrolment.answer(joining.request))
        let kit = try Kit(contentsOf: folder("site"))
        let (oldKey, old) = (try kit.privateKey(), try kit.certificateChain())

        let same = try Renewal(of: kit)
        try await same.complete(try await enrolment.answer(same.request))
        #expect(try kit.privateKey().publicKey == oldKey.publicKey && kit.certificateChain() != old)

        let new = try Renewal(of: kit, newKey: true)
        let reply = try await enrolment.answer(new.request)
        // Cut off between certificate and key, the kit still works.
        try Data(reply.certificates.utf8).write(to: folder("site/site.pem"))
        #expect(try kit.privateKey().publicKey != oldKey.publicKey)
        try await Renewal(of: kit).complete(reply)
        #expect(try kit.certificateChain().belongs(to: kit.privateKey()))
        #expect(!FileManager.default.fileExists(atPath: folder("site/site.key.new").path))
        await expectFailure("not for this request") { try await same.complete(reply) }
        _ = try await kit.verify()
    }

    @Test func whenItIsTimeToRenew() {
        var participant = AuthorizationTests.person(nil, kind: .site)
        let now = Date()
        (participant.notBefore, participant.notAfter) = (now, now + 300)
        #expect(!Renewal.isDue(participant, at: now + 199) && Renewal.isDue(participant, at: now + 200))
    }
}
