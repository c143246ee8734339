/// Standard normal numbers in bulk: eight interleaved xoshiro128+ generators (Blackman and Vigna, 2018) seeded by one
/// ``Philox`` stream, and the Box–Muller transform, all in vectors.
///
/// The values reach 5.6 standard deviations, the resolution of 23 random bits.
package struct NormalNoise {
    private var state0, state1, state2, state3: SIMD8<UInt32>

    package init(seed: UInt64) {
        var generator = Philox(seed: seed, purpose: .other)
        func lanes() -> SIMD8<UInt32> {
            var lanes = SIMD8<UInt32>()
            for lane in 0..<8 { lanes[lane] = generator.nextWord() }
            return lanes
        }
        state0 = lanes()
        state1 = lanes()
        state2 = lanes()
        state3 = lanes() | 1  // never all zero
    }

    @inline(__always)
    private mutating func words() -> SIMD8<UInt32> {
        let result = state0 &+ state3
        let shifted = state1 &<< 9
        state2 ^= state0
        state3 ^= state1
        state1 ^= state2
        state0 ^= state3
        state2 ^= shifted
        state3 = (state3 &<< 11) | (state3 &>> 21)
        return result
    }

    /// Sixteen independent standard normal numbers.
    @inline(__always)
    mutating func next() -> (SIMD8<Float>, SIMD8<Float>) {
        let one = SIMD8<UInt32>(repeating: 0x3F80_0000)
        let toOne = 2 - SIMD8<Float>(bitPattern: words() &>> 9 | one)  // (0, 1]
        let turn = SIMD8<Float>(bitPattern: words() &>> 9 | one) - 1.5  // [−½, ½)
        let radius = VectorMath.squareRoot(-1.386_294_36 * VectorMath.log2(toOne))
        let (sine, cosine) = VectorMath.sineAndCosine(turns: turn)
        return (radius * sine, radius * cosine)
    }

    /// `values[i] += standardDeviation · n`, for `count` values.
    package mutating func add(to values: UnsafeMutablePointer<Float>, count: Int, standardDeviation: Float) {
        var index = 0
        while index + 16 <= count {
            let (first, second) = next()
            values.store8(values.load8(index) + standardDeviation * first, at: index)
            values.store8(values.load8(index + 8) + standardDeviation * second, at: index + 8)
            index += 16
        }
        guard index < count else { return }
        let (first, second) = next()
        for offset in 0..<(count - index) {
            values[index + offset] += standardDeviation * (offset < 8 ? first[offset] : second[offset - 8])
        }
    }
}
