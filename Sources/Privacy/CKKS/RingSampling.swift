import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Polynomials by chance, as schemes on rings need them.
public enum RingSampling {
    /// Numbers below q, each as likely: words of the stream, the high bits left off, those from q on passed over.
    ///
    /// The same stream gives the same numbers everywhere: it is part of what goes over the wire.
    public static func uniform(
        _ output: UnsafeMutablePointer<UInt64>, count: Int, modulo q: Modulus, from stream: inout KeyStream
    ) {
        let mask = (1 as UInt64) << UInt64(q.bitWidth) - 1
        let last = q.value - 1
        var have = 0
        while have < count {
            let part = output + have
            let length = count - have
            stream.fill(UnsafeMutableRawBufferPointer(start: part, count: length * 8))
            var tooLarge: UInt64 = 0  // in the highest bit
            for i in 0..<length {
                let word = UInt64(littleEndian: part[i]) & mask
                part[i] = word
                tooLarge |= last &- word
            }
            if tooLarge >> 63 == 0 { return }
            var kept = 0
            for i in 0..<length where part[i] <= last {
                part[kept] = part[i]
                kept += 1
            }
            have += kept
        }
    }

    /// Adds errors of the centred binomial distribution over 42 coins, σ = √10.5 = 3.24: what SEAL takes by default.
    public static func addErrors(_ numbers: UnsafeMutablePointer<Int64>, count: Int, from stream: inout KeyStream) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { words in
            stream.fill(UnsafeMutableRawBufferPointer(words))
            let words = words.baseAddress!
            for i in 0..<count {
                // Heads among 21 minus heads among 21 others is heads among all, the others turned round, minus 21.
                numbers[i] &+= Int64(truncatingIfNeeded: (words[i] & (1 << 42 - 1)).nonzeroBitCount) &- 21
            }
        }
    }

    /// −1, 0 and 1, each as likely: a secret.
    public static func ternary(count: Int, from stream: inout KeyStream) -> [Int64] {
        var numbers: [Int64] = []
        numbers.reserveCapacity(count)
        while numbers.count < count {
            var word = stream.next()
            for _ in 0..<32 where numbers.count < count {
                if word & 3 != 3 { numbers.append(Int64(word & 3) - 1) }
                word >>= 2
            }
        }
        return numbers
    }
}

extension KeyStream {
    /// The stream for one use of a key that has several.
    init(_ key: SymmetricKey, for use: String) {
        self.init(
            key: HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: Data(use.utf8), outputByteCount: 32))
    }
}
