#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Laplace noise on a grid of 2⁻ᵏ: the discrete Laplace distribution; Ghosh, Roughgarden & Sundararajan 2009.
///
/// A point n steps away has a probability in proportion to e^(−n·step/scale), so a value on the grid that moves by Δ in L1
/// costs ε = Δ/scale, as with noise on the real line. The bits of a geometric number are independent of each other, the one
/// of 2ʲ being set with probability 1/(1 + e^(2ʲ·step/scale)); each is drawn by itself, to 2⁻⁶⁴. To round d values to the
/// grid first makes their sensitivity larger by at most d steps, a step being at most 2⁻⁴⁰ scales.
public struct LaplaceNoise: AdditiveNoise {
    /// Of the distribution, in the unit of the values. The standard deviation is √2 times that.
    public let scale: Double
    /// Of the grid: a power of two.
    public let step: Double
    /// For each bit of the distance, the lowest first: the part of 2⁶⁴ in which it is set.
    private let thresholds: [UInt64]
    private var stream: KeyStream

    /// - Throws: `PrivacyError.setting`.
    public init(scale: Double, stream: KeyStream = KeyStream()) throws {
        guard scale.isFinite, scale > 0x1p-100, scale < 0x1p100 else {
            throw PrivacyError.setting("Laplace noise of scale \(scale) cannot be made.")
        }
        self.scale = scale
        let step = NoiseGrid.step(scale, fineness: NoiseGrid.finenessOfLaplace)
        self.step = step
        // Beyond 2⁷ scales lies e⁻¹²⁸ of the mass.
        thresholds = (0..<NoiseGrid.finenessOfLaplace + 7).map { bit in
            UInt64(0x1p64 / (1 + exp(exp2(Double(bit)) * step / scale)))
        }
        self.stream = stream
    }

    /// From this multiple of the sensitivity on no noise is made.
    public static let mostNoise = 0x1p12

    /// Noise of so many times a sensitivity in L1, with what rounding up to 2²⁷ values to the grid adds to it.
    ///
    /// - Throws: `PrivacyError.setting`.
    public static func covering(sensitivity: Double, noiseMultiplier: Double, stream: KeyStream = KeyStream()) throws
        -> LaplaceNoise
    {
        guard noiseMultiplier < mostNoise else {
            throw PrivacyError.setting(
                "Laplace noise of \(noiseMultiplier) times the clipping norm drowns everything: allow a larger ε, or train "
                    + "less.")
        }
        // b = m·(c + d·2⁻⁴⁰·b), solved for b.
        return try LaplaceNoise(
            scale: sensitivity * noiseMultiplier / (1 - 0x1p-13 * noiseMultiplier), stream: stream)
    }

    /// Rounds each value to the grid and adds noise of its own. Values that are no numbers stay so.
    public mutating func add(to values: UnsafeMutableBufferPointer<Float>) {
        for first in stride(from: 0, to: values.count, by: Self.block) {
            let noise = draws(min(Self.block, values.count - first))
            for (index, noise) in noise.enumerated() where values[first + index].isFinite {
                let steps = NoiseGrid.rounded(Double(values[first + index]), steps: 1 / step) + noise
                values[first + index] = Float(Double(steps) * step)
            }
        }
    }

    /// One value with its noise.
    public mutating func add(to value: Double) -> Double {
        guard value.isFinite else { return value }
        return Double(NoiseGrid.rounded(value, steps: 1 / step) + draws(1)[0]) * step
    }

    /// Noise alone, in steps of the grid.
    public mutating func draws(_ count: Int) -> [Int64] {
        var draws: [Int64] = []
        draws.reserveCapacity(count)
        while draws.count < count { append(to: &draws, min(Self.block, count - draws.count)) }
        return draws
    }

    private static let block = 64

    private mutating func append(to draws: inout [Int64], _ count: Int) {
        let bits = thresholds.count
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count * (bits + 1)) { words in
            stream.fill(UnsafeMutableRawBufferPointer(words))
            for first in stride(from: 0, to: words.count, by: bits + 1) {
                var distance: Int64 = 0
                for bit in 0..<bits { distance |= (words[first + bit] < thresholds[bit] ? 1 : 0) << Int64(bit) }
                let isNegative = words[first + bits] & 1 == 1
                // Else 0 would come twice as often.
                if distance == 0, isNegative { continue }
                draws.append(isNegative ? -distance : distance)
            }
        }
    }
}
