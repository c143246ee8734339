import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Who somebody is, as their certificate says it. Nothing that a message says of its sender counts beside it.
public struct Participant: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable, Codable {
        case server, site, administrator
    }

    public var name: String
    public var organisation: String
    public var kind: Kind
    /// Of an administrator; nil for servers and sites.
    public var role: Role?
    /// Of the certificate, in hexadecimal.
    public var serial: String
    public var notBefore: Date
    public var notAfter: Date

    public init(
        name: String, organisation: String, kind: Kind, role: Role? = nil, serial: String, notBefore: Date,
        notAfter: Date
    ) {
        (self.name, self.organisation, self.kind, self.role) = (name, organisation, kind, role)
        (self.serial, self.notBefore, self.notAfter) = (serial, notBefore, notAfter)
    }

    /// Whether the certificate holds at an instant; to be asked on every call, since a resumed connection is not verified
    /// again.
    public func holds(at date: Date = Date()) -> Bool { notBefore <= date && date <= notAfter }

    /// Reads a certificate in DER. Whether it is to be trusted, `Authority` says, or TLS did.
    public init(derEncoded bytes: [UInt8]) throws {
        guard let certificate = try? Certificate(derEncoded: bytes) else {
            throw ProvisioningError.certificate("What came as a certificate is none; ask for a new one")
        }
        try self.init(certificate)
    }

    /// Reads the first certificate of a PEM text, of Cohort's or of a FLARE kit.
    public init(pem: String) throws { try self.init(CertificateChain(pem: pem).leaf) }

    package init(_ certificate: Certificate) throws {
        let organisation = certificate.subject.text(of: .RDNAttributeType.organizationName)
        guard let name = certificate.subject.text(of: .RDNAttributeType.commonName) else {
            throw ProvisioningError.certificate("A certificate names nobody; ask for a new one")
        }
        try ParticipantName.check(name)
        let role = try RoleExtension(certificate) ?? Self.roleOfFLARE(certificate)
        guard let role else {
            throw ProvisioningError.certificate(
                "The certificate of \(name) does not say whether it is a server's, a site's or a person's; ask for a new one"
            )
        }
        self.name = name
        self.organisation = organisation ?? ""
        kind = role.kind
        self.role = role.role
        serial = certificate.serialNumber.hexadecimal
        notBefore = certificate.notValidBefore
        notAfter = certificate.notValidAfter
    }

    /// FLARE writes an administrator's role into the subject, and leaves servers and clients to the names in their kits: a
    /// server has alternative names, or says what it is for.
    private static func roleOfFLARE(_ certificate: Certificate) throws -> RoleExtension? {
        if let text = certificate.subject.text(of: .unstructuredName) {
            return RoleExtension(text: text == "client" ? "site" : text)
        }
        let usages = try? certificate.extensions.extendedKeyUsage
        if usages?.contains(.clientAuth) ?? false { return RoleExtension(kind: .site, role: nil) }
        let names = try? certificate.extensions.subjectAlternativeNames
        if usages?.contains(.serverAuth) ?? false || names != nil { return RoleExtension(kind: .server, role: nil) }
        return nil
    }
}

extension DistinguishedName {
    /// The one value of an attribute; nil where there is none, or more than one.
    func text(of type: ASN1ObjectIdentifier) -> String? {
        let values = flatMap { $0 }.filter { $0.type == type }
        guard values.count == 1 else { return nil }
        return String(values[0].value)
    }
}

extension ASN1ObjectIdentifier {
    /// PKCS#9's, in which FLARE keeps roles.
    package static let unstructuredName: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 9, 2]
}

extension Certificate.SerialNumber {
    /// 126 random bits: always positive, and within RFC 5280's 20 octets.
    package static func random() -> Self {
        var generator = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        bytes[0] = bytes[0] & 0x3f | 0x40
        return Self(bytes: bytes)
    }

    var hexadecimal: String { bytes.hexadecimal }
}

extension Sequence<UInt8> {
    var hexadecimal: String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
