import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a filter's random numbers come from.
public enum FilterRandomness: Sendable, Equatable {
    /// The system's own, another for every update: nobody can make the noise again.
    case secure
    /// The same numbers for the same filter, site and round: for tests, and for runs that claim no privacy.
    case seeded(UInt64)

    /// False where whoever knows the seed can take the noise away.
    public var claimsPrivacy: Bool { self == .secure }

    /// The stream for one update.
    func stream(of filter: String, _ context: FilterContext) -> KeyStream {
        guard case .seeded(let seed) = self else { return KeyStream() }
        let bytes = withUnsafeBytes(of: seed.littleEndian) { Data($0) }
        let info = "cohort filter \(filter), round \(context.round), site \(context.site)"
        return KeyStream(
            key: HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: bytes), info: Data(info.utf8), outputByteCount: 32))
    }
}

extension KeyStream {
    /// Another stream, under a key from this one.
    mutating func fork() -> KeyStream {
        var key = [UInt8](repeating: 0, count: 32)
        key.withUnsafeMutableBytes { fill($0) }
        return KeyStream(key: SymmetricKey(data: key))
    }
}
