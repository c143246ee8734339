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
struct LaplaceNoise {
    let scale: Double
    private var bits: [UInt64]
    private var next: Int
    private var stream: KeyStream

    private static let batch = 1 << 12

    init(scale: Double, _ stream: KeyStream) {
        self.scale = scale
        self.stream = stream
        bits = [UInt64](repeating: 0, count: Self.batch)
        next = Self.batch
    }

    /// One draw: 53 bits make the size, from 2⁻⁵⁴ up to 1, and one the sign.
    mutating func draw() -> Double {
        if next == Self.batch {
            bits.withUnsafeMutableBytes { stream.fill($0) }
            next = 0
        }
        let word = UInt64(littleEndian: bits[next])
        next += 1
        let size = -log((Double(word >> 11) + 0.5) * 0x1p-53) * scale
        return word & 1 == 0 ? size : -size
    }
}
