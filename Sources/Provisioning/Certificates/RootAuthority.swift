import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The root of a federation's trust. Its key is made offline, signs an intermediate authority once in years, and is kept
/// away from every server.
public struct RootAuthority: Sendable {
    let certificate: Certificate
    let key: PrivateKey

    /// Makes a new one. Path length 1: below it intermediate authorities, and below these only participants.
    package init(named name: String, organisation: String, days: Int, now: Date = Date()) throws {
        key = PrivateKey()
        let subject = try DistinguishedName {
            CommonName(name)
            OrganizationName(organisation)
        }
        let publicKey = key.publicKey
        let identifier = SubjectKeyIdentifier(hash: publicKey)
        certificate = try Certificate(
            version: .v3, serialNumber: .random(), publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(-CertificateAuthority.leeway).wholeSecond,
            notValidAfter: now.addingTimeInterval(TimeInterval(days) * 86400).wholeSecond, issuer: subject,
            subject: subject,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 1))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                identifier
                AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier)
            },
            issuerPrivateKey: key.certificateKey)
    }

    /// Puts one together from its files.
    init(pem: String, key: PrivateKey) throws {
        certificate = try CertificateChain(pem: pem).leaf
        guard certificate.publicKey == key.publicKey else {
            throw ProvisioningError.authority(
                "The root key is not that of authority.pem; find the key of this authority")
        }
        self.key = key
    }

    var pem: String { CertificateChain([certificate]).pem }

    /// Makes the authority that the server holds.
    package func makeIntermediate(days: Int, now: Date = Date()) throws -> CertificateAuthority {
        let own = PrivateKey()
        let publicKey = own.publicKey
        let name = certificate.subject.text(of: .RDNAttributeType.commonName) ?? "authority"
        let organisation = certificate.subject.text(of: .RDNAttributeType.organizationName) ?? ""
        let intermediate = try Certificate(
            version: .v3, serialNumber: .random(), publicKey: publicKey,
            notValidBefore: max(
                now.addingTimeInterval(-CertificateAuthority.leeway).wholeSecond, certificate.notValidBefore),
            notValidAfter: min(
                now.addingTimeInterval(TimeInterval(days) * 86400).wholeSecond, certificate.notValidAfter),
            issuer: certificate.subject,
            subject: DistinguishedName {
                CommonName(String(name.prefix(56)) + ", server")
                OrganizationName(organisation)
            },
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                // It signs the manifests of kits too.
                Critical(KeyUsage(digitalSignature: true, keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: try certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
            },
            issuerPrivateKey: key.certificateKey)
        return CertificateAuthority(root: certificate, certificate: intermediate, key: own)
    }
}
