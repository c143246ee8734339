import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Advertisement {
    /// Whether its keys make secrets with others': points of low order make zeros with all (RFC 7748, section 6.1), which the
    /// library lets pass.
    var hasKeys: Bool {
        let own = Curve25519.KeyAgreement.PrivateKey()
        return [maskKey, cipherKey].allSatisfy { key in
            let secret = try? own.sharedSecretFromKeyAgreement(with: .init(rawRepresentation: key))
            return secret.map { $0.withUnsafeBytes { $0.contains { $0 != 0 } } } == true
        }
    }
}

/// Streams of integers modulo 2³² that hide a site's values until they cancel.
enum Mask {
    /// Adds the stream of a key to the words, or takes it away.
    static func apply(_ key: SymmetricKey, adding: Bool, to words: UnsafeMutableBufferPointer<UInt32>) {
        var stream = KeyStream(key: key)
        let piece = 1 << 14
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: piece) { scratch in
            for first in stride(from: 0, to: words.count, by: piece) {
                let count = min(piece, words.count - first)
                stream.fill(
                    UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(scratch)[..<(count * 4)]))
                guard let mask = scratch.baseAddress, let target = words.baseAddress.map({ $0 + first }) else { return }
                if adding {
                    for i in 0..<count { target[i] &+= UInt32(littleEndian: mask[i]) }
                } else {
                    for i in 0..<count { target[i] &-= UInt32(littleEndian: mask[i]) }
                }
            }
        }
    }

    /// The stream's key of a site's own mask for one circle.
    static func key(ofSeed seed: Data, _ group: SumGroup, circle: Int) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: seed), salt: group.binding,
            info: context("own mask", [], circle), outputByteCount: 32)
    }

    /// The stream's key of the mask that two sites have in common, for one circle. Equal from both sides.
    static func key(
        _ own: Curve25519.KeyAgreement.PrivateKey, of site: String, with other: String, _ group: SumGroup, circle: Int
    ) throws -> SymmetricKey {
        try secret(own, group.advertisement(of: other).maskKey, of: other)
            .hkdfDerivedSymmetricKey(
                using: SHA256.self, salt: group.binding,
                sharedInfo: context("mask of a pair", [site, other].sorted(), circle), outputByteCount: 32)
    }

    /// What one site's shares are sealed with on their way to another.
    static func cipherKey(
        _ own: Curve25519.KeyAgreement.PrivateKey, with other: String, from sender: String, to recipient: String,
        _ group: SumGroup
    ) throws -> SymmetricKey {
        try secret(own, group.advertisement(of: other).cipherKey, of: other)
            .hkdfDerivedSymmetricKey(
                using: SHA256.self, salt: group.binding, sharedInfo: context("shares", [sender, recipient], 0),
                outputByteCount: 32)
    }

    private static func secret(
        _ own: Curve25519.KeyAgreement.PrivateKey, _ other: Data, of site: String
    ) throws -> SharedSecret {
        do {
            return try own.sharedSecretFromKeyAgreement(with: .init(rawRepresentation: other))
        } catch { throw noKeys(site) }
    }

    static func noKeys(_ site: String) -> PrivacyError { .forged("The keys of \(site) for a secure sum are no keys.") }

    private static func context(_ purpose: String, _ sites: [String], _ circle: Int) -> Data {
        var bytes = Canonical("secure sum: " + purpose)
        for site in sites { bytes.add(site) }
        bytes.add(circle)
        return bytes.data
    }
}
