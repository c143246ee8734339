import Fleet
import Foundation
import SwiftASN1
import X509

extension Peer {
    /// A site by its certificate's common name. TLS has checked the certificate.
    init(certificate bytes: [UInt8]) throws {
        let certificate = try Certificate(derEncoded: bytes)
        let name = certificate.subject.lazy.flatMap { $0 }
            .first { $0.type == ASN1ObjectIdentifier.NameAttributes.commonName }
        guard let name else { throw Refusal(status: 403, detail: "This certificate names nobody.") }
        self.init(
            name: "\(name.value)", organisation: "", role: "site", serial: "\(certificate.serialNumber)",
            notAfter: certificate.notValidAfter)
    }
}
