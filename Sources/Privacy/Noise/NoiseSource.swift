import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where the bits of noise come from.
public enum NoiseSource: Sendable, Equatable {
    /// The system's own randomness: nobody can make it again.
    case secure
    /// Bits that follow from a number. Whoever knows it takes the noise away: no privacy is claimed.
    case seeded(UInt64)

    /// False where what was made with it must be marked as having no privacy.
    public var claimsPrivacy: Bool { self == .secure }

    /// What every output says where no privacy is claimed.
    public static let noPrivacyClaim = "no privacy claim: the noise follows from a seed"

    /// A stream of bits for one purpose; seeded ones of other labels differ.
    public func stream(_ label: String) -> KeyStream {
        guard case .seeded(let seed) = self else { return KeyStream() }
        let key = withUnsafeBytes(of: seed.littleEndian) { SymmetricKey(data: Data($0) + Data(count: 24)) }
        return KeyStream(
            key: HKDF<SHA256>.deriveKey(
                inputKeyMaterial: key, info: Data("cohort noise \(label)".utf8), outputByteCount: 32))
    }
}

extension NoiseSource: CustomStringConvertible {
    public var description: String { self == .secure ? "secure" : "seeded (\(Self.noPrivacyClaim))" }
}
