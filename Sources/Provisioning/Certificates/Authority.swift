import Crypto
import SwiftASN1
// The library's name for checks at an instant of one's own choice.
@_spi(FixedExpiryValidationTime) import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Whom everyone in a federation trusts: the root certificate, as it stands in every kit.
public struct Authority: Sendable, Hashable {
    let root: Certificate

    init(_ root: Certificate) { self.root = root }

    /// Reads `authority.pem`.
    public init(pem: String) throws {
        let chain = try CertificateChain(pem: pem)
        guard chain.certificates.count == 1,
            case .isCertificateAuthority = try? chain.leaf.extensions.basicConstraints,
            chain.leaf.publicKey.isValidSignature(chain.leaf.signature, for: chain.leaf)
        else {
            throw ProvisioningError.certificate(
                "authority.pem is not one root certificate; ask the coordinator for it again")
        }
        root = chain.leaf
    }

    public var pem: String { CertificateChain([root]).pem }

    /// SHA-256 of the root certificate in DER: what an invitation carries, and what people compare on the telephone.
    public var fingerprint: String {
        var serializer = DER.Serializer()
        // Whatever was parsed or made can be serialised.
        try? serializer.serialize(root)
        return SHA256.hash(data: serializer.serializedBytes).hexadecimal
    }

    /// Whose certificate it is, where the chain leads here and holds.
    ///
    /// - Throws: `ProvisioningError.certificate` with the reason.
    public func participant(of chain: CertificateChain, at date: Date = Date()) async throws -> Participant {
        let participant = try Participant(chain.leaf)
        var verifier = Verifier(rootCertificates: CertificateStore([root])) {
            ParticipantPolicy(date: date, usage: participant.kind == .server ? .serverAuth : .clientAuth)
            RFC5280Policy(fixedExpiryValidationTime: date)
        }
        let result = await verifier.validate(
            leaf: chain.leaf, intermediates: CertificateStore(chain.certificates.dropFirst()))
        switch result {
        case .validCertificate: return participant
        case .couldNotValidate(let failures):
            let reason =
                failures.first.map { String(describing: $0.policyFailureReason) } ?? "no authority known here signed it"
            throw ProvisioningError.certificate("The certificate of \(participant.name) is not trusted: \(reason)")
        }
    }

    /// Whether an intermediate certificate is signed here and may sign; for the signatures of manifests.
    func hasSigned(_ intermediate: Certificate, at date: Date) -> Bool {
        guard case .isCertificateAuthority = try? intermediate.extensions.basicConstraints else { return false }
        return intermediate.issuer == root.subject
            && root.publicKey.isValidSignature(intermediate.signature, for: intermediate)
            && intermediate.notValidBefore <= date && date <= intermediate.notValidAfter
    }
}

/// What RFC 5280's checks leave open, what a key is for and who may sign; and expiry, in plainer words.
private struct ParticipantPolicy: VerifierPolicy {
    let date: Date
    let usage: ExtendedKeyUsage.Usage
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [.X509ExtensionID.extendedKeyUsage]

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
        for certificate in chain {
            if certificate.notValidAfter < date { return .failsToMeetPolicy(reason: "it has expired, or one above it") }
            if certificate.notValidBefore > date {
                return .failsToMeetPolicy(reason: "it does not hold yet; is this machine's clock right?")
            }
        }
        for issuer in chain.dropFirst() {
            guard let usage = try? issuer.extensions.keyUsage, usage.keyCertSign else {
                return .failsToMeetPolicy(reason: "it was signed by a certificate that may not sign")
            }
        }
        guard let usages = try? chain.leaf.extensions.extendedKeyUsage, usages.contains(usage) else {
            return .failsToMeetPolicy(reason: "it was made for something else")
        }
        guard case .notCertificateAuthority = try? chain.leaf.extensions.basicConstraints else {
            return .failsToMeetPolicy(reason: "it is an authority's, not a participant's")
        }
        return .meetsPolicy
    }
}
