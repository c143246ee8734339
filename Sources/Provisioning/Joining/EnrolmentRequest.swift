import Crypto
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site sends to get a certificate: a request for its key, and why it may have one.
public struct EnrolmentRequest: Sendable, Equatable {
    public enum Proof: Sendable, Equatable {
        /// Of an invitation.
        case token(String)
        /// To be renewed.
        case certificate(RenewalProof)
    }

    /// PKCS#10 in PEM.
    public var csr: String
    public var proof: Proof

    public init(csr: String, proof: Proof) { (self.csr, self.proof) = (csr, proof) }

    /// SHA-256 of the key; the same at the site and at the server, to be compared on the telephone.
    public var keyFingerprint: String {
        get throws { try SigningRequest(pem: csr).keyFingerprint }
    }
}

/// A certificate that still counts, and its key's signature of the request.
public struct RenewalProof: Sendable, Equatable, Codable {
    /// The chain in PEM.
    public var certificates: String
    /// Of the request, ECDSA in DER.
    public var signature: Data
    private static let purpose = Array("cohort renewal 1\0".utf8)

    package init(of chain: CertificateChain, for csr: String, key: PrivateKey) throws {
        certificates = chain.pem
        signature = try key.key.signature(for: Self.purpose + Array(csr.utf8)).derRepresentation
    }

    func isValid(for csr: String, by chain: CertificateChain) -> Bool {
        guard let key = P384.Signing.PublicKey(chain.leaf.publicKey),
            let signature = try? P384.Signing.ECDSASignature(derRepresentation: signature)
        else { return false }
        return key.isValidSignature(signature, for: Self.purpose + Array(csr.utf8))
    }
}

extension EnrolmentRequest: Codable {
    private enum CodingKeys: String, CodingKey {
        case version = "cohort_request"
        case csr, token, renews
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        guard try values.decode(Int.self, forKey: .version) == 1 else {
            throw DecodingError.dataCorruptedError(forKey: .version, in: values, debugDescription: "unknown version")
        }
        csr = try values.decode(String.self, forKey: .csr)
        let token = try values.decodeIfPresent(String.self, forKey: .token)
        let renewal = try values.decodeIfPresent(RenewalProof.self, forKey: .renews)
        switch (token, renewal) {
        case (let token?, nil): proof = .token(token)
        case (nil, let renewal?): proof = .certificate(renewal)
        default:
            throw DecodingError.dataCorruptedError(forKey: .token, in: values, debugDescription: "one proof is needed")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(1, forKey: .version)
        try values.encode(csr, forKey: .csr)
        switch proof {
        case .token(let token): try values.encode(token, forKey: .token)
        case .certificate(let renewal): try values.encode(renewal, forKey: .renews)
        }
    }

    /// Reads a request file.
    public init(contentsOf url: URL) throws {
        self = try JSONText.decode(
            Self.self, DurableFile.read(url, upTo: 1 << 18), file: url.lastPathComponent, what: "request of cohort join"
        )
    }

    /// Writes a request file; a token in it is worth what the invitation is.
    public func write(to url: URL) throws {
        try DurableFile.write(JSONText.encode(self), to: url, mode: .secret)
    }
}

/// What the server answers: nothing in it is secret.
public struct EnrolmentReply: Sendable, Equatable, Codable {
    public var version = 1
    /// The certificate and the intermediate one, in PEM.
    public var certificates: String
    /// The root, in PEM; what it must be, the site knows from its invitation.
    public var authority: String

    public init(certificates: String, authority: String) {
        (self.certificates, self.authority) = (certificates, authority)
    }

    enum CodingKeys: String, CodingKey {
        case version = "cohort_reply"
        case certificates, authority
    }

    /// Reads a reply file.
    public init(contentsOf url: URL) throws {
        self = try JSONText.decode(
            Self.self, DurableFile.read(url, upTo: 1 << 18), file: url.lastPathComponent,
            what: "reply of cohort provision sign")
    }

    public func write(to url: URL) throws { try DurableFile.write(JSONText.encode(self), to: url) }
}
