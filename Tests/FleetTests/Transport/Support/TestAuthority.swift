import Crypto
import Fleet
import Foundation
import SwiftASN1
import X509

/// A federation's authority for tests: a root, an intermediate, and leaves of any fault.
struct TestAuthority {
    let root: Certificate
    let intermediate: Certificate
    private let intermediateKey: Certificate.PrivateKey

    enum Use { case server, client }

    struct Leaf {
        let chain: [Certificate]
        let key: Certificate.PrivateKey

        func pem(withIntermediate: Bool = true) throws -> String {
            try (withIntermediate ? chain : [chain[0]]).map { try $0.serializeAsPEM().pemString }
                .joined(separator: "\n") + "\n"
        }

        func keyPEM() throws -> String { try key.serializeAsPEM().pemString + "\n" }

        func identity(withIntermediate: Bool = true) throws -> TLSIdentity {
            try TLSIdentity(certificateChain: pem(withIntermediate: withIntermediate), privateKey: keyPEM())
        }
    }

    init(name: String = "Test federation") throws {
        let rootKey = Certificate.PrivateKey(P384.Signing.PrivateKey())
        let rootName = try DistinguishedName { CommonName("\(name) root") }
        root = try Self.certificate(
            of: rootName, key: rootKey.publicKey, by: rootName, key: rootKey, from: -3600, to: 86400
        ) {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 1))
            Critical(KeyUsage(keyCertSign: true, cRLSign: true))
        }
        intermediateKey = Certificate.PrivateKey(P384.Signing.PrivateKey())
        let intermediateName = try DistinguishedName { CommonName("\(name) sites") }
        intermediate = try Self.certificate(
            of: intermediateName, key: intermediateKey.publicKey, by: rootName, key: rootKey, from: -3600, to: 86400
        ) {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            Critical(KeyUsage(keyCertSign: true, cRLSign: true))
        }
    }

    /// - Parameters: from, to: seconds from now.
    func leaf(
        _ name: String, _ use: Use, organisation: String = "hospital", names: [String] = ["localhost"],
        addresses: [[UInt8]] = [[127, 0, 0, 1]],
        from: TimeInterval = -60, to: TimeInterval = 3600
    ) throws -> Leaf {
        let key = Certificate.PrivateKey(P384.Signing.PrivateKey())
        let subject = try DistinguishedName {
            CommonName(name)
            OrganizationName(organisation)
        }
        let certificate = try Self.certificate(
            of: subject, key: key.publicKey, by: intermediate.subject, key: intermediateKey, from: from, to: to
        ) {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            switch use {
            case .client: try ExtendedKeyUsage([.clientAuth])
            case .server: try ExtendedKeyUsage([.serverAuth])
            }
            SubjectAlternativeNames(
                names.map { GeneralName.dnsName($0) }
                    + addresses.map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) })
        }
        return Leaf(chain: [certificate, intermediate], key: key)
    }

    func roots() throws -> TLSRoots { try TLSRoots(pem: rootPEM()) }
    func rootPEM() throws -> String { try root.serializeAsPEM().pemString + "\n" }

    private static func certificate(
        of subject: DistinguishedName, key: Certificate.PublicKey, by issuer: DistinguishedName,
        key issuerKey: Certificate.PrivateKey, from: TimeInterval, to: TimeInterval,
        @ExtensionsBuilder extensions: () throws -> Swift.Result<Certificate.Extensions, any Error>
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key, notValidBefore: Date(timeIntervalSinceNow: from),
            notValidAfter: Date(timeIntervalSinceNow: to), issuer: issuer, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA384, extensions: try extensions().get(), issuerPrivateKey: issuerKey)
    }
}

extension Peer {
    /// As the wiring reads it: names from the subject.
    init(certificate bytes: [UInt8]) throws {
        let certificate = try Certificate(derEncoded: bytes)
        func subject(_ type: ASN1ObjectIdentifier) -> String {
            for relative in certificate.subject {
                for attribute in relative where attribute.type == type { return String(describing: attribute.value) }
            }
            return ""
        }
        let name = subject(.NameAttributes.commonName)
        guard !name.hasPrefix("stranger") else { throw Refusal(status: 403, detail: "\(name) is not a member.") }
        self.init(
            name: name, organisation: subject(.NameAttributes.organizationName), role: "site",
            serial: "\(certificate.serialNumber)", notAfter: certificate.notValidAfter)
    }
}
