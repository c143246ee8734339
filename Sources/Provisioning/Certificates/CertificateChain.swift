import SwiftASN1
import X509

/// A participant's certificate and the intermediate one behind it, as TLS sends them.
public struct CertificateChain: Sendable, Hashable {
    package let certificates: [Certificate]

    package var leaf: Certificate { certificates[0] }

    package init(_ certificates: [Certificate]) { self.certificates = certificates }

    /// Reads certificates in DER, the participant's own first, as a TLS library hands them over.
    public init(derEncoded certificates: [[UInt8]]) throws {
        guard !certificates.isEmpty, certificates.count <= 10,
            let read = try? certificates.map({ try Certificate(derEncoded: $0) })
        else { throw ProvisioningError.certificate("What came as certificates is none; ask for it again") }
        self.init(read)
    }

    /// Reads PEM text of at least one certificate.
    public init(pem: String) throws {
        guard pem.utf8.count <= 1 << 17, let documents = try? PEMDocument.parseMultiple(pemString: pem),
            case let certificates = documents.compactMap({ try? Certificate(pemDocument: $0) }), !certificates.isEmpty,
            certificates.count == documents.count, certificates.count <= 10
        else {
            throw ProvisioningError.certificate(
                "What came as certificates is no PEM text of certificates; ask for it again")
        }
        self.init(certificates)
    }

    /// In PEM, the participant's own first.
    public var pem: String {
        // Whatever was parsed or made can be serialised.
        certificates.map { ((try? $0.serializeAsPEM().pemString) ?? "") + "\n" }.joined()
    }

    /// Whether the first certificate is that of a key.
    package func belongs(to key: PrivateKey) -> Bool { leaf.publicKey == key.publicKey }

    /// The names and addresses that the first certificate answers to.
    package var hosts: Set<HostName> {
        guard let names = try? leaf.extensions.subjectAlternativeNames else { return [] }
        return Set(
            names.compactMap { name in
                switch name {
                case .dnsName(let name): HostName.name(name)
                case .ipAddress(let address): HostName.address(Array(address.bytes))
                default: nil
                }
            })
    }
}
