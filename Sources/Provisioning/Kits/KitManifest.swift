import Crypto
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The list of a startup kit's files with their SHA-256, signed with the authority's intermediate key.
///
/// Certificate and key are not in it: they change when they are renewed or encrypted, and prove themselves.
package struct KitManifest: Codable {
    var version = 1
    var project: String
    var name: String
    /// SHA-256 by path in the kit.
    var files: [String: String]
    /// The intermediate certificate whose key signed, in PEM.
    var signer: String

    enum CodingKeys: String, CodingKey {
        case version = "cohort_manifest"
        case project, name, files, signer
    }

    static let file = "manifest.json"
    static let signatureFile = "manifest.sig"
    private static let purpose = "cohort kit manifest 1"

    static func digest(_ data: Data) -> String { SHA256.hash(data: data).hexadecimal }

    /// - Returns: the manifest's text, and its signature in DER.
    package static func sign(
        project: String, name: String, files: [String: String], with authority: CertificateAuthority
    ) throws -> (text: String, signature: Data) {
        let text = JSONText.encode(
            KitManifest(project: project, name: name, files: files, signer: authority.intermediatePEM))
        return (text, Data(try authority.sign(Array(text.utf8), for: purpose)))
    }
}

extension KitManifest {
    /// Reads a manifest that the authority's intermediate has signed; throws where it has not.
    init(text: Data, signature: Data, authority: Authority, at date: Date) throws {
        let manifest = try JSONText.decode(Self.self, text, file: Self.file, what: "manifest of a kit")
        let signer = try CertificateChain(pem: manifest.signer).leaf
        guard authority.hasSigned(signer, at: date) else {
            throw ProvisioningError.kit(
                "\(Self.file) is signed by somebody whom the authority does not know; get the kit again")
        }
        guard let key = P384.Signing.PublicKey(signer.publicKey),
            let signature = try? P384.Signing.ECDSASignature(derRepresentation: signature),
            key.isValidSignature(signature, for: Array(Self.purpose.utf8) + [0] + Array(text))
        else {
            throw ProvisioningError.kit(
                "\(Self.signatureFile) does not fit \(Self.file): it was changed, get the kit again")
        }
        self = manifest
    }
}
