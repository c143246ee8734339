import Crypto
import Foundation
import Provisioning
import SwiftASN1
import Testing
import X509

/// What a site says, brought by somebody who is not trusted.
@Suite("Signed statements") struct SignedStatementTests {
    let authority: CertificateAuthority
    let key = PrivateKey()
    let message = Data("keys of round 3".utf8)

    init() throws { authority = try Fixture.authority() }

    private func statement(
        _ subject: CertificateSubject = Fixture.site, by signing: CertificateAuthority? = nil, days: Int = 10
    ) throws -> SignedStatement {
        let chain = try (signing ?? authority).issue(subject, to: key.publicKey, days: days)
        return try SignedStatement(message, key: key, chain: chain)
    }

    @Test func itTellsWhoseItIs() throws {
        let signer = try statement().signer(of: message, by: authority.authority)
        #expect(Fixture.site.matches(signer.participant) && signer.keyFingerprint.count == 64)
        let copy = try JSONDecoder().decode(SignedStatement.self, from: JSONEncoder().encode(statement()))
        #expect(try copy.signer(of: message, by: authority.authority).keyFingerprint == signer.keyFingerprint)
    }

    @Test func whatIsNotTheirsIsRefused() async throws {
        let own = try statement()
        await expectFailure("has not signed") { _ = try own.signer(of: message + [0], by: authority.authority) }
        var other = own
        other.signature = try statement().signature
        other.signature[other.signature.count - 1] ^= 1
        await expectFailure("has not signed") { _ = try other.signer(of: message, by: authority.authority) }
        // The certificate of another under one's own signature.
        var stolen = own
        stolen.certificates = try authority.issue(Fixture.site, to: PrivateKey().publicKey, days: 10).pem
        await expectFailure("has not signed") { _ = try stolen.signer(of: message, by: authority.authority) }
        await expectFailure("not that of the certificate") {
            _ = try SignedStatement(message, key: PrivateKey(), chain: CertificateChain(pem: own.certificates))
        }
    }

    @Test func whomNoAuthorityVouchesForIsRefused() async throws {
        let stranger = try Fixture.authority()
        await expectFailure("no authority known here") {
            _ = try statement(by: stranger).signer(of: message, by: authority.authority)
        }
        // The stranger's intermediate under a certificate of ours, and the other way round.
        let (ours, theirs) = (
            try CertificateChain(pem: statement().certificates),
            try CertificateChain(pem: statement(by: stranger).certificates)
        )
        for mixed in [[theirs.certificates[0], ours.certificates[1]], [ours.certificates[0], theirs.certificates[1]]] {
            var statement = try statement()
            statement.certificates = CertificateChain(mixed).pem
            await expectFailure("no authority known here") {
                _ = try statement.signer(of: message, by: authority.authority)
            }
        }
        var short = try statement()
        short.certificates = CertificateChain([ours.certificates[0]]).pem
        await expectFailure("its chain") { _ = try short.signer(of: message, by: authority.authority) }
        let old = try statement()
        await expectFailure("does not hold now") {
            _ = try old.signer(of: message, by: authority.authority, at: Date(timeIntervalSinceNow: 11 * 86400))
        }
        // One that a site has signed for itself with its own certificate as authority.
        let (leaf, rogueKey) = (ours.certificates[0], PrivateKey())
        let rogue = try Certificate(
            version: .v3, serialNumber: .random(), publicKey: rogueKey.publicKey, notValidBefore: leaf.notValidBefore,
            notValidAfter: leaf.notValidAfter, issuer: leaf.subject, subject: leaf.subject,
            signatureAlgorithm: .ecdsaWithSHA384, extensions: leaf.extensions, issuerPrivateKey: key.certificateKey)
        let forged = try SignedStatement(message, key: rogueKey, chain: CertificateChain([rogue, leaf]))
        await expectFailure("no authority known here") {
            _ = try forged.signer(of: message, by: authority.authority)
        }
    }

    @Test func theirKindIsThatOfTheCertificate() throws {
        let server = CertificateSubject(
            name: "fl.example.org", organisation: "u", kind: .server, hosts: ["fl.example.org"])
        #expect(try statement(server).signer(of: message, by: authority.authority).participant.kind == .server)
    }

    // MARK: What a kit keeps for secure sums

    @Test func aKitKeepsWhatItsPeopleCompared() async throws {
        let folder = try TemporaryFolder()
        let kit = try await Fixture.server(in: folder)
        #expect(try kit.siteKeys() == nil)
        #expect(try kit.ckksKey() == nil)
        try FileManager.default.createDirectory(at: kit.local, withIntermediateDirectories: true)
        try Data(#"{"a": "AB:cd 01"}"#.utf8).write(to: kit.local.appending(path: "site-keys.json"))
        #expect(try kit.siteKeys() == ["a": "abcd01"])
        try Data("[]".utf8).write(to: kit.local.appending(path: "site-keys.json"))
        await expectFailure("site-keys.json") { _ = try kit.siteKeys() }

        let file = kit.local.appending(path: "ckks.key")
        try Data(repeating: 7, count: 32).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file.path)
        await expectFailure("ckks.key") { _ = try kit.ckksKey() }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        #expect(try kit.ckksKey() == Data(repeating: 7, count: 32))
        try Data(repeating: 7, count: 31).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        await expectFailure("31 bytes") { _ = try kit.ckksKey() }
    }
}
