/// A counter-based random generator (Philox 4×32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
///
/// The key is the seed, and the counter begins with what the numbers are for: so the n-th draw of a sample is the same
/// whichever thread makes it and whatever was drawn before, and a run that is resumed needs no stored state.
public struct Philox: RandomNumberGenerator, Sendable {
    /// What a stream of numbers is for; streams of different purposes never meet.
    public enum Purpose: UInt32, Sendable {
        case training, validation, other
    }

    private let key: SIMD2<UInt32>
    /// (block within the stream, sample and purpose, number of the batch: low and high half).
    private var counter: SIMD4<UInt32>
    private var block = SIMD4<UInt32>()
    private var position = 4

    /// The numbers of one sample.
    ///
    /// - Parameters:
    ///   - batch: the number of the batch since the training began: epoch · iterations of an epoch + iteration.
    ///   - sample: its index within the batch, below 2³⁰.
    public init(seed: UInt64, purpose: Purpose = .training, batch: Int = 0, sample: Int = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        counter = SIMD4(
            0, UInt32(truncatingIfNeeded: sample) << 2 | purpose.rawValue, UInt32(truncatingIfNeeded: batch),
            UInt32(truncatingIfNeeded: batch >> 32))
    }

    /// One block of the function itself: four words out of a counter and a key.
    package static func words(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var (x0, x1, x2, x3) = (counter[0], counter[1], counter[2], counter[3])
        var (k0, k1) = (key[0], key[1])
        for _ in 0..<10 {
            let first = UInt64(0xD251_1F53) &* UInt64(x0)
            let second = UInt64(0xCD9E_8D57) &* UInt64(x2)
            (x0, x1, x2, x3) = (
                UInt32(truncatingIfNeeded: second >> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: first)
            )
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return SIMD4(x0, x1, x2, x3)
    }

    public mutating func nextWord() -> UInt32 {
        if position == 4 {
            block = Self.words(counter: counter, key: key)
            counter[0] &+= 1
            position = 0
        }
        defer { position += 1 }
        return block[position]
    }

    public mutating func next() -> UInt64 {
        let low = nextWord()
        return UInt64(nextWord()) << 32 | UInt64(low)
    }

    /// A number in [0, 1), of 53 random bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number in [lower, upper).
    public mutating func uniform(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// A whole number in 0..<`count`, each equally likely; `count` must be positive.
    public mutating func integer(below count: Int) -> Int { Int.random(in: 0..<count, using: &self) }

    /// True with probability `probability`.
    public mutating func chance(_ probability: Double) -> Bool { uniform() < probability }
}
