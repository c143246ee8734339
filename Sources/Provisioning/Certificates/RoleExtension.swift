import SwiftASN1
import X509

/// Cohort's private extension of a leaf: `server`, `site`, or an administrator's role.
///
/// Never critical: verifiers that do not know it, openssl among them, would refuse the certificate. The number stands under
/// 2.25, where nobody assigns.
struct RoleExtension: CertificateExtensionConvertible {
    static let identifier: ASN1ObjectIdentifier = [2, 25, 7_295_284_616_090_173_942]

    var kind: Participant.Kind
    var role: Role?

    init(kind: Participant.Kind, role: Role?) { (self.kind, self.role) = (kind, role) }

    /// nil where the text is neither a kind nor a role.
    init?(text: String) {
        switch text {
        case "server": self.init(kind: .server, role: nil)
        case "site": self.init(kind: .site, role: nil)
        default:
            guard let role = Role(rawValue: text) else { return nil }
            self.init(kind: .administrator, role: role)
        }
    }

    /// nil where a certificate has none; throws where it has one that says nothing.
    init?(_ certificate: Certificate) throws {
        guard let value = certificate.extensions[oid: Self.identifier]?.value else { return nil }
        guard let text = try? ASN1UTF8String(derEncoded: DER.parse(value)), let role = Self(text: String(text)) else {
            throw ProvisioningError.certificate("A certificate's role is not readable; ask for a new one")
        }
        self = role
    }

    var text: String { role?.rawValue ?? (kind == .server ? "server" : "site") }

    func makeCertificateExtension() throws -> Certificate.Extension {
        var serializer = DER.Serializer()
        try serializer.serialize(ASN1UTF8String(text))
        return Certificate.Extension(oid: Self.identifier, critical: false, value: serializer.serializedBytes[...])
    }
}
