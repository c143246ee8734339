import Crypto
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Who signs participants' certificates: an intermediate authority, which the server holds.
///
/// Path length 0: it signs nobody who signs. Everything on P-384 with SHA-384.
public struct CertificateAuthority: Sendable {
    /// Clocks of sites that are slow by less do not find a new certificate to be of the future.
    static let leeway: TimeInterval = 600

    package let root: Certificate
    package let certificate: Certificate
    package let key: PrivateKey

    /// Puts an authority together from its files.
    ///
    /// - Throws: `ProvisioningError.authority` where they do not belong together.
    public init(rootPEM: String, intermediatePEM: String, key: PrivateKey) throws {
        let root = try CertificateChain(pem: rootPEM).leaf
        let certificate = try CertificateChain(pem: intermediatePEM).leaf
        guard certificate.publicKey == key.publicKey,
            root.publicKey.isValidSignature(certificate.signature, for: certificate),
            certificate.issuer == root.subject
        else {
            throw ProvisioningError.authority(
                "The intermediate certificate, its key and the authority's certificate do not belong together; take the three "
                    + "of one server")
        }
        self.init(root: root, certificate: certificate, key: key)
    }

    package init(root: Certificate, certificate: Certificate, key: PrivateKey) {
        (self.root, self.certificate, self.key) = (root, certificate, key)
    }

    public var authority: Authority { Authority(root) }

    var intermediatePEM: String { CertificateChain([certificate]).pem }

    /// Issues a certificate.
    ///
    /// - Parameters:
    ///   - days: no longer than this authority itself holds.
    ///   - notBefore: the earliest beginning; for those who were revoked and come back.
    package func issue(
        _ subject: CertificateSubject, to publicKey: Certificate.PublicKey, days: Int, now: Date = Date(),
        notBefore: Date? = nil
    ) throws -> CertificateChain {
        try subject.check()
        guard P384.Signing.PublicKey(publicKey) != nil else {
            throw ProvisioningError.refused(.request("its key is not on P-384; make the request with cohort join"))
        }
        guard certificate.notValidAfter > now else {
            throw ProvisioningError.authority(
                "The server's own authority has ended; make a new one with the root key: cohort provision --new-intermediate"
            )
        }
        let beginning = max(now.addingTimeInterval(-Self.leeway), certificate.notValidBefore, notBefore ?? .distantPast)
        let end = min(now.addingTimeInterval(TimeInterval(days) * 86400), certificate.notValidAfter)
        let hosts = subject.hosts.compactMap { HostName($0) }
        let leaf = try Certificate(
            version: .v3, serialNumber: .random(), publicKey: publicKey, notValidBefore: beginning.wholeSecond,
            notValidAfter: end.wholeSecond, issuer: certificate.subject,
            subject: DistinguishedName {
                CommonName(subject.name)
                OrganizationName(subject.organisation)
            },
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([subject.kind == .server ? .serverAuth : .clientAuth])
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: try certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
                RoleExtension(kind: subject.kind, role: subject.role)
                if !hosts.isEmpty { SubjectAlternativeNames(hosts.map(\.generalName)) }
            },
            issuerPrivateKey: key.certificateKey)
        return CertificateChain([leaf, certificate])
    }

    /// Signs a file's digest; the purpose keeps it apart from everything else that this key signs.
    func sign(_ bytes: [UInt8], for purpose: String) throws -> [UInt8] {
        Array(try key.key.signature(for: Array(purpose.utf8) + [0] + bytes).derRepresentation)
    }
}

extension HostName {
    var generalName: GeneralName {
        switch self {
        case .name(let name): .dnsName(name)
        case .address(let bytes): .ipAddress(.init(contentBytes: bytes[...]))
        }
    }
}

extension Date {
    /// Certificates know no fractions of a second.
    var wholeSecond: Date { Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.down)) }
}
