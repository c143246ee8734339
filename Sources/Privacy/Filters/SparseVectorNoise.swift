#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Laplace noise around 0 with density exp(−|x|/scale) / (2·scale), by the inverse of its distribution in float64.
///
/// The grid of float64 tells something of what was added to it (Mironov 2012), so this noise is only for the filters after
/// FLARE's, which use the same and promise nothing to a patient.
struct SparseVectorNoise {
    let scale: Double
    private var words: RandomWords

    init(scale: Double, _ stream: KeyStream) {
        self.scale = scale
        words = RandomWords(stream)
    }

    /// One draw: 53 bits make the size, of which −ln is taken between 2⁻⁵⁴ and 1, and one the sign.
    mutating func draw() -> Double {
        let word = words.next()
        let size = -log(Self.uniform(word)) * scale
        return word & 1 == 0 ? size : -size
    }

    /// Whether one draw would be at least `bound`: the same without a logarithm, and mostly without an exponential.
    mutating func reaches(_ bound: Double) -> Bool {
        let word = words.next()
        let isPositive = word & 1 == 0
        guard isPositive == (bound > 0) else { return isPositive }
        // Sizes from |bound| on have −ln(u)·scale ≥ |bound|, so u ≤ exp(−|bound| / scale), which is at least 1 − |bound| / scale.
        let (u, distance) = (Self.uniform(word), abs(bound) / scale)
        let isFar = u <= 1 - distance || u <= exp(-distance)
        return isFar == isPositive
    }

    private static func uniform(_ word: UInt64) -> Double { (Double(word >> 11) + 0.5) * 0x1p-53 }
}
