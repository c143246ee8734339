import Crypto
import Foundation
import SwiftASN1
import Testing
import X509

import Provisioning

@Suite("Certificates") struct CertificateTests {
    let authority: CertificateAuthority

    init() throws { authority = try Fixture.authority() }

    private func issue(_ subject: CertificateSubject = Fixture.site, days: Int = 10) throws -> CertificateChain {
        try authority.issue(subject, to: PrivateKey().publicKey, days: days)
    }

    @Test func aParticipantIsReadFromItsCertificate() async throws {
        for subject in [
            Fixture.site,
            CertificateSubject(name: "fl.example.org", organisation: "uni", kind: .server, hosts: ["fl.example.org"]),
            CertificateSubject(name: "ada@x.org", organisation: "Köln, Klinikum", kind: .administrator, role: .lead),
        ] {
            let chain = try issue(subject)
            let read = try await authority.authority.participant(of: chain)
            #expect(subject.matches(read) && read.holds())
            #expect(!read.holds(at: read.notAfter + 1) && !read.holds(at: read.notBefore - 1))
            #expect(try Participant(pem: chain.pem) == read && read.serial.utf8.count == 32)
        }
    }

    @Test func whatIsNotTrustedIsRefused() async throws {
        let chain = try issue()
        await expectFailure("not trusted") { _ = try await Fixture.authority().authority.participant(of: chain) }
        await expectFailure("expired") {
            _ = try await authority.authority.participant(of: chain, at: Date(timeIntervalSinceNow: 11 * 86400))
        }
        await expectFailure("clock") {
            _ = try await authority.authority.participant(of: chain, at: Date(timeIntervalSinceNow: -3600))
        }
        // A leaf without its intermediate leads nowhere.
        await expectFailure("not trusted") {
            _ = try await authority.authority.participant(of: CertificateChain([chain.leaf]))
        }
        // The intermediate is no participant.
        await expectFailure("Test authority") {
            _ = try await authority.authority.participant(of: CertificateChain([authority.certificate]))
        }
        // An authority that ends does not issue beyond its end.
        let long = try issue(days: 5000)
        #expect(long.leaf.notValidAfter == authority.certificate.notValidAfter)
    }

    /// The intermediate key signs an authority of its own: path length 0 forbids it.
    @Test func anIntermediateThatSignsAnAuthorityIsRefused() async throws {
        let key = PrivateKey()
        let rogue = try Certificate(
            version: .v3, serialNumber: .random(), publicKey: key.publicKey,
            notValidBefore: authority.certificate.notValidBefore, notValidAfter: authority.certificate.notValidAfter,
            issuer: authority.certificate.subject, subject: DistinguishedName { CommonName("rogue") },
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
                SubjectKeyIdentifier(hash: key.publicKey)
            },
            issuerPrivateKey: authority.key.certificateKey)
        let false_ = CertificateAuthority(root: authority.root, certificate: rogue, key: key)
        let leaf = try false_.issue(Fixture.site, to: PrivateKey().publicKey, days: 5).leaf
        let chain = CertificateChain([leaf, rogue, authority.certificate])
        await expectFailure("not trusted") { _ = try await authority.authority.participant(of: chain) }
        // A leaf that signs is refused for what its key is for.
        let leafKey = PrivateKey()
        let site = try authority.issue(Fixture.site, to: leafKey.publicKey, days: 10)
        let signer = CertificateAuthority(root: authority.root, certificate: site.leaf, key: leafKey)
        let grandchild = try signer.issue(Fixture.site, to: PrivateKey().publicKey, days: 5).leaf
        await expectFailure("not trusted") {
            _ = try await authority.authority.participant(
                of: CertificateChain([grandchild, site.leaf, authority.certificate]))
        }
        if hasOpenSSL {
            let folder = try TemporaryFolder()
            let (status, output) = try #require(try verify(chain, in: folder, purpose: "sslclient"))
            #expect(status != 0 && output.contains("path length constraint exceeded"), "\(output)")
        }
    }

    private func verify(_ chain: CertificateChain, in folder: TemporaryFolder, purpose: String) throws -> (
        Int32, String
    )? {
        try Data(authority.authority.pem.utf8).write(to: folder("root.pem"))
        try Data(CertificateChain(Array(chain.certificates.dropFirst())).pem.utf8).write(to: folder("between.pem"))
        try Data(CertificateChain([chain.leaf]).pem.utf8).write(to: folder("leaf.pem"))
        return try run(
            openssl,
            [
                "verify", "-x509_strict", "-purpose", purpose, "-CAfile", folder("root.pem").path, "-untrusted",
                folder("between.pem").path, folder("leaf.pem").path,
            ])
    }

    @Test(.enabled(if: hasOpenSSL, "needs openssl")) func opensslAcceptsWhatIsIssued() throws {
        let folder = try TemporaryFolder()
        let server = CertificateSubject(
            name: "server", organisation: "uni", kind: .server, hosts: ["fl.example.org", "10.0.0.5", "::1"])
        let chain = try issue(server)
        let (status, output) = try #require(try verify(chain, in: folder, purpose: "sslserver"))
        #expect(status == 0, "\(output)")
        let names = try #require(
            try run(openssl, ["x509", "-in", folder("leaf.pem").path, "-noout", "-ext", "subjectAltName,keyUsage"]))
        #expect(names.1.contains("DNS:fl.example.org") && names.1.contains("IP Address:10.0.0.5"))
        #expect(names.1.contains("Digital Signature"))
        let crossed = try #require(try verify(chain, in: folder, purpose: "sslclient"))
        #expect(crossed.0 != 0)
        let site = try #require(try verify(try issue(), in: folder, purpose: "sslclient"))
        #expect(site.0 == 0, "\(site.1)")
    }

    @Test func onlyTheKeyIsTakenFromARequest() throws {
        let key = PrivateKey()
        // A request that asks to be an authority.
        let greedy = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("hospital_a") }, privateKey: key.certificateKey,
            attributes: .init([
                .init(
                    ExtensionRequest(
                        extensions: .init {
                            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                            SubjectAlternativeNames([.dnsName("bank.example")])
                        }))
            ]))
        let request = try SigningRequest(pem: greedy.serializeAsPEM().pemString)
        let leaf = try authority.issue(Fixture.site, to: request.publicKey, days: 1).leaf
        #expect(leaf.publicKey == key.publicKey)
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.subjectAlternativeNames == nil)
    }

    @Test func aTamperedRequestIsRefused() async throws {
        let pem = try SigningRequest(name: "hospital_a", key: PrivateKey()).pem
        _ = try SigningRequest(pem: pem)
        let bytes = try PEMDocument(pemString: pem).derBytes
        // Every byte of the request counts: its name, its key, its signature.
        var refused = 0
        for place in stride(from: 0, to: bytes.count, by: 5) {
            var changed = bytes
            changed[place] ^= 1
            let text = PEMDocument(type: "CERTIFICATE REQUEST", derBytes: changed).pemString
            #expect(throws: ProvisioningError.self, "byte \(place)") { try SigningRequest(pem: text) }
            refused += 1
        }
        #expect(refused > 40)
        let short = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("hospital_a") },
            privateKey: .init(P256.Signing.PrivateKey()), attributes: .init())
        await expectFailure("not on P-384") { _ = try SigningRequest(pem: short.serializeAsPEM().pemString) }
        await expectFailure("no certificate request") { _ = try SigningRequest(pem: "hello") }
        await expectFailure("no certificate request") {
            _ = try SigningRequest(pem: pem + String(repeating: " ", count: 1 << 15))
        }
    }

    /// A certificate as FLARE's provisioning makes it: the role in the subject, no extension of ours.
    private func flareCertificate(role: String?, usage: ExtendedKeyUsage.Usage?, host: String? = nil) throws
        -> Certificate
    {
        let key = P256.Signing.PrivateKey()
        var attributes = [
            RelativeDistinguishedName.Attribute(
                type: .RDNAttributeType.commonName, value: .init(utf8String: "who@site")),
            .init(type: .RDNAttributeType.organizationName, value: .init(utf8String: "clinic")),
        ]
        if let role { attributes.append(.init(type: .unstructuredName, value: .init(utf8String: role))) }
        let subject = try DistinguishedName(attributes)
        return try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: Date(),
            notValidAfter: Date(timeIntervalSinceNow: 100), issuer: subject, subject: subject,
            extensions: Certificate.Extensions {
                if let usage { try ExtendedKeyUsage([usage]) }
                if let host { SubjectAlternativeNames([.dnsName(host)]) }
            },
            issuerPrivateKey: .init(key))
    }

    @Test func flaresCertificatesAreRead() async throws {
        let admin = try Participant(flareCertificate(role: "org_admin", usage: nil))
        #expect(
            admin.kind == .administrator && admin.role == .organisationAdministrator && admin.organisation == "clinic")
        #expect(try Participant(flareCertificate(role: nil, usage: .clientAuth)).kind == .site)
        #expect(try Participant(flareCertificate(role: "client", usage: nil)).kind == .site)
        #expect(try Participant(flareCertificate(role: nil, usage: nil, host: "server")).kind == .server)
        await expectFailure("does not say") { _ = try Participant(flareCertificate(role: "super", usage: nil)) }
        await expectFailure("does not say") { _ = try Participant(flareCertificate(role: nil, usage: nil)) }
    }

    @Test func fuzzedCertificatesDoNotCrash() throws {
        var serializer = DER.Serializer()
        try serializer.serialize(issue().leaf)
        let bytes = serializer.serializedBytes
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                changed[Int.random(in: changed.indices, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                changed.removeLast(Int.random(in: 1..<changed.count, using: &generator))
            }
            _ = try? Participant(derEncoded: changed)
        }
    }
}

@Suite("Keys") struct PrivateKeyTests {
    @Test func aKeyFileIsItsOwnersAlone() async throws {
        let folder = try TemporaryFolder()
        let key = PrivateKey()
        try key.write(to: folder("a.key"))
        #expect(try mode(folder("a.key")) == 0o600)
        #expect(try PrivateKey(contentsOf: folder("a.key")).publicKey == key.publicKey)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder("a.key").path)
        await expectFailure("chmod 600") { _ = try PrivateKey(contentsOf: folder("a.key")) }
    }

    @Test func anEncryptedKeyNeedsItsPassphrase() async throws {
        let key = PrivateKey()
        let pem = try key.pem(passphrase: "correct horse")
        #expect(pem.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
        #expect(try PrivateKey(pem: pem) { "correct horse" }.publicKey == key.publicKey)
        await expectFailure("passphrase is wrong") { _ = try PrivateKey(pem: pem) { "wrong horse" } }
        await expectFailure("is encrypted") { _ = try PrivateKey(pem: pem) }
        await expectFailure("shorter than 8") { _ = try key.pem(passphrase: "short") }
        await expectFailure("no key in PEM") { _ = try PrivateKey(pem: "hello") }
        await expectFailure("not read here") {
            _ = try PrivateKey(pem: PEMDocument(type: "ENCRYPTED PRIVATE KEY", derBytes: [48, 3, 2, 1, 0]).pemString) {
                "x"
            }
        }
        await expectFailure("no key on P-384") { _ = try PrivateKey(pem: P256.Signing.PrivateKey().pemRepresentation) }
    }

    @Test(.enabled(if: hasOpenSSL, "needs openssl")) func opensslReadsAndWritesEncryptedKeys() throws {
        let folder = try TemporaryFolder()
        let key = PrivateKey()
        try key.write(to: folder("ours.key"), passphrase: "correct horse")
        let read = try #require(
            try run(openssl, ["pkey", "-in", folder("ours.key").path, "-passin", "pass:correct horse", "-pubout"]))
        #expect(read.0 == 0)
        #expect(read.1.filter { !$0.isWhitespace } == key.key.publicKey.pemRepresentation.filter { !$0.isWhitespace })
        try key.write(to: folder("plain.key"))
        let written = try #require(
            try run(
                openssl,
                [
                    "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", folder("plain.key").path, "-passout",
                    "pass:correct horse",
                    "-out", folder("theirs.key").path,
                ]))
        #expect(written.0 == 0, "\(written.1)")
        let pem = try String(contentsOf: folder("theirs.key"), encoding: .utf8)
        #expect(try PrivateKey(pem: pem) { "correct horse" }.publicKey == key.publicKey)
    }
}
