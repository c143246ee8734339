import Crypto
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A participant's signature under what it says, with the certificates that tell whose it is: for those who hear of it
/// through somebody whom they need not trust.
public struct SignedStatement: Sendable, Equatable, Codable {
    /// In PEM, the participant's own first.
    public var certificates: String
    /// ECDSA on P-384 with SHA-384, in DER.
    public var signature: Data

    /// Signs with the key of the first certificate.
    public init(_ message: Data, key: PrivateKey, chain: CertificateChain) throws {
        guard chain.belongs(to: key) else {
            throw ProvisioningError.key("The key is not that of the certificate; put both back together")
        }
        certificates = chain.pem
        signature = try key.key.signature(for: message).derRepresentation
    }

    /// Whose statement it is, and with which key.
    ///
    /// - Throws: `ProvisioningError.certificate` where the chain does not lead to the authority, or the signature is another's.
    public func signer(of message: Data, by authority: Authority, at date: Date = Date()) throws -> Signer {
        let chain = try CertificateChain(pem: certificates)
        let participant = try authority.signatory(chain, at: date)
        guard let key = P384.Signing.PublicKey(chain.leaf.publicKey),
            let signature = try? P384.Signing.ECDSASignature(derRepresentation: signature),
            key.isValidSignature(signature, for: message)
        else {
            throw ProvisioningError.certificate("\(participant.name) has not signed this; it was changed on its way")
        }
        return Signer(participant: participant, keyFingerprint: chain.leaf.publicKey.fingerprint)
    }

    /// Who has signed.
    public struct Signer: Sendable, Equatable {
        public var participant: Participant
        /// SHA-256 of the key, as `cohort join` shows it.
        public var keyFingerprint: String
    }
}

extension CertificateChain {
    /// SHA-256 of the first certificate's key: what people compare on the telephone.
    public var keyFingerprint: String { leaf.publicKey.fingerprint }
}

extension Authority {
    /// Whose certificate it is, where this authority, or an intermediate one that it has signed, signed it: what
    /// `participant(of:at:)` checks for the short chains that Cohort makes, without waiting.
    ///
    /// - Throws: `ProvisioningError.certificate` with the reason.
    func signatory(_ chain: CertificateChain, at date: Date) throws -> Participant {
        let leaf = chain.leaf
        let participant = try Participant(leaf)
        func require(_ condition: Bool, _ reason: String) throws {
            guard condition else {
                throw ProvisioningError.certificate(
                    "The certificate of \(participant.name) is not trusted: \(reason)")
            }
        }
        var issuer = root
        if leaf.issuer != root.subject {
            try require(chain.certificates.count == 2, "its chain is not that of a kit")
            issuer = chain.certificates[1]
            try require(hasSigned(issuer, at: date), "no authority known here signed it")
            let usage = try? issuer.extensions.keyUsage
            try require(usage?.keyCertSign == true, "it was signed by a certificate that may not sign")
        }
        try require(
            leaf.issuer == issuer.subject && issuer.publicKey.isValidSignature(leaf.signature, for: leaf),
            "no authority known here signed it")
        try require(root.notValidBefore <= date && date <= root.notValidAfter, "the authority has expired")
        try require(leaf.notValidBefore <= date && date <= leaf.notValidAfter, "it does not hold now")
        let isAuthority: Bool
        if case .notCertificateAuthority = try? leaf.extensions.basicConstraints {
            isAuthority = false
        } else {
            isAuthority = true
        }
        try require(!isAuthority, "it is an authority's, not a participant's")
        let usages = try? leaf.extensions.extendedKeyUsage
        try require(
            usages?.contains(participant.kind == .server ? .serverAuth : .clientAuth) == true,
            "it was made for something else")
        let known: Set<ASN1ObjectIdentifier> = [
            .X509ExtensionID.basicConstraints, .X509ExtensionID.keyUsage, .X509ExtensionID.extendedKeyUsage,
            .X509ExtensionID.subjectAlternativeName, .X509ExtensionID.authorityKeyIdentifier,
            .X509ExtensionID.subjectKeyIdentifier,
        ]
        for certificate in [leaf, issuer] {
            try require(
                certificate.extensions.allSatisfy { !$0.critical || known.contains($0.oid) },
                "it asks for something that is not known here")
        }
        return participant
    }
}
