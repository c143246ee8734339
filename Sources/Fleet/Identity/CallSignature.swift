import Crypto
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Flower's three headers: the caller's key, the time, and the key's signature over the time.
///
/// The signature says nothing of what is asked; `CallLedger` sees to it that it serves for one call only.
public struct CallSignature: Sendable, Hashable {
    public let key: SigningKey
    /// ISO 8601, as it was signed.
    public let timestamp: String

    public static let keyHeader = "flwr-public-key"
    public static let timestampHeader = "flwr-timestamp"
    public static let signatureHeader = "flwr-signature"

    /// A call may be this old, and this far ahead, in seconds.
    public static let window = -5.0..<305.0

    /// Checks a call's headers.
    ///
    /// - Parameters:
    ///   - headers: gives a header's value by its name in lower case.
    ///   - now: seconds since 1970.
    /// - Throws: `FleetFailure` 401, whatever is wrong.
    public init(now: Double, headers: (String) -> String?) throws(FleetFailure) {
        guard let keyText = headers(Self.keyHeader), let timestamp = headers(Self.timestampHeader),
            let signatureText = headers(Self.signatureHeader), keyText.utf8.count <= 2048,
            timestamp.utf8.count <= 64, signatureText.utf8.count <= 512,
            let pem = Data(base64Encoded: keyText).flatMap({ String(validating: $0, as: UTF8.self) }),
            let key = try? SigningKey(pem: pem), let der = Data(base64Encoded: signatureText),
            let signature = try? P384.Signing.ECDSASignature(derRepresentation: der),
            let time = Timestamp(timestamp),
            Self.window.contains(now - Double(time.microseconds) / 1e6),
            // The digest is given: of a text, swift-crypto would take SHA-384.
            key.publicKey.isValidSignature(signature, for: SHA256.hash(data: Data(timestamp.utf8)))
        else { throw FleetFailure.notAuthenticated }
        self.key = key
        self.timestamp = timestamp
    }
}

/// Signs a node's calls, each with a time of its own.
public final class CallSigner: Sendable {
    private let key: P384.Signing.PrivateKey
    private let publicKey: SigningKey
    private let last = Mutex(Int64.min)

    public init(_ key: P384.Signing.PrivateKey) {
        self.key = key
        publicKey = SigningKey(key.publicKey)
    }

    /// The headers of one call; a call that is sent again is sent with the same.
    ///
    /// - Parameter now: seconds since 1970.
    public func headers(now: Double) throws -> [(name: String, value: String)] {
        let time = last.withLock { last in
            last = max(last + 1, Int64(now * 1e6))
            return Timestamp(microseconds: last).text
        }
        let signature = try key.signature(for: SHA256.hash(data: Data(time.utf8)))
        return [
            (CallSignature.keyHeader, Data(publicKey.pem.utf8).base64EncodedString()),
            (CallSignature.timestampHeader, time),
            (CallSignature.signatureHeader, signature.derRepresentation.base64EncodedString()),
        ]
    }
}
