import Crypto

/// A node's public key: NIST's curve P-384, which Flower's nodes and Cohort's certificates have.
public struct SigningKey: Sendable, Hashable, CustomStringConvertible {
    let publicKey: P384.Signing.PublicKey
    /// As Python writes it, with a line's end at the end: servers look keys up by these bytes.
    public let pem: String

    /// - Throws: `FleetError.key`.
    public init(pem: String) throws {
        guard pem.utf8.count <= 1024, let key = try? P384.Signing.PublicKey(pemRepresentation: pem) else {
            throw FleetError.key("it is no public key of the curve P-384 in PEM")
        }
        self.init(key)
    }

    public init(_ key: P384.Signing.PublicKey) {
        publicKey = key
        pem = key.pemRepresentation + "\n"
    }

    /// SHA-256 of the key in DER, in hexadecimal digits.
    public var description: String { ObjectID(SHA256.hash(data: publicKey.derRepresentation)).description }

    public static func == (a: Self, b: Self) -> Bool { a.pem == b.pem }
    public func hash(into hasher: inout Hasher) { hasher.combine(pem) }
}
