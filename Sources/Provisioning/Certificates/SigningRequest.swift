import Crypto
import SwiftASN1
import X509

/// A request for a certificate (PKCS#10), in PEM. The key is all that is taken from one.
public struct SigningRequest: Sendable, Equatable {
    public let pem: String
    package let publicKey: Certificate.PublicKey
    /// For whom it was made, as its maker believes.
    let name: String

    /// Makes one at the site; the key does not leave.
    package init(name: String, key: PrivateKey) throws {
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName(name) }, privateKey: key.certificateKey,
            attributes: .init())
        self.init(try request.serializeAsPEM().pemString + "\n", request, name: name)
    }

    /// Reads one that came from outside.
    ///
    /// - Throws: `ProvisioningError.refused` where it is none, where its own signature is wrong, or its key of another kind.
    public init(pem: String) throws {
        func refused(_ fact: String) -> ProvisioningError { .refused(.request(fact)) }
        guard pem.utf8.count <= 1 << 14, let request = try? CertificateSigningRequest(pemEncoded: pem) else {
            throw refused("it is no certificate request; make it with cohort join")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw refused("its signature does not fit its key; it was changed on the way, make and send it again")
        }
        guard P384.Signing.PublicKey(request.publicKey) != nil else {
            throw refused("its key is not on P-384; make the request with cohort join")
        }
        guard let name = request.subject.text(of: .RDNAttributeType.commonName) else {
            throw refused("it names nobody; make it with cohort join")
        }
        self.init(pem, request, name: name)
    }

    private init(_ pem: String, _ request: CertificateSigningRequest, name: String) {
        (self.pem, self.name, publicKey) = (pem, name, request.publicKey)
    }

    /// SHA-256 of the key: the same for every request with it, and what people compare on the telephone.
    public var keyFingerprint: String { publicKey.fingerprint }
}

extension Certificate.PublicKey {
    var fingerprint: String {
        var serializer = DER.Serializer()
        try? serializer.serialize(self)
        return SHA256.hash(data: serializer.serializedBytes).hexadecimal
    }
}
