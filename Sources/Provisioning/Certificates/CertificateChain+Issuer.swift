import SwiftASN1
import X509

extension CertificateChain {
    /// Who signed the first certificate, by the names in it: `Hippocampus study CA intermediate, University`. What somebody
    /// else made may say anything.
    public var issuer: String {
        let types: [ASN1ObjectIdentifier] = [.RDNAttributeType.commonName, .RDNAttributeType.organizationName]
        let names = types.compactMap { leaf.issuer.text(of: $0) }
        let text = names.isEmpty ? String(describing: leaf.issuer) : names.joined(separator: ", ")
        return String(
            text.unicodeScalars.prefix(200).map { $0.properties.isWhitespace || $0.value < 32 ? " " : Character($0) })
    }
}
