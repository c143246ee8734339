import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NoiseSource {
    /// The stream for one update: seeded ones are the same for the same filter, site and round.
    func stream(of filter: String, _ context: FilterContext) -> KeyStream {
        stream("filter \(filter), round \(context.round), site \(context.site)")
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
