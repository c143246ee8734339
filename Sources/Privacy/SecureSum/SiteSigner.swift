import Crypto

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Signs what a site says, with the key that others know as the site's: over a network, that of its certificate.
public protocol SiteSigner: Sendable {
    func sign(_ message: Data) throws -> Data
}

/// Knows the sites' keys, and so whether one of them said something.
public protocol SiteVerifier: Sendable {
    /// False for a site that is not known.
    func isValid(_ signature: Data, of message: Data, by site: String) -> Bool
}

extension Curve25519.Signing.PrivateKey: SiteSigner {
    public func sign(_ message: Data) throws -> Data { try signature(for: message) }
}

extension P384.Signing.PrivateKey: SiteSigner {
    /// The signature in DER.
    public func sign(_ message: Data) throws -> Data { try signature(for: message).derRepresentation }
}

/// Public keys by the names of their sites.
public struct SiteKeys: SiteVerifier {
    public enum Key: Sendable {
        case ed25519(Curve25519.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
    }

    public var keys: [String: Key]

    public init(_ keys: [String: Key]) { self.keys = keys }

    public func isValid(_ signature: Data, of message: Data, by site: String) -> Bool {
        switch keys[site] {
        case .ed25519(let key): return key.isValidSignature(signature, for: message)
        case .p384(let key):
            guard let signature = try? P384.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: message)
        case nil: return false
        }
    }
}
