#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Normal noise on a grid of 2⁻ᵏ, from bits that nobody can tell from chance.
///
/// A value v that was rounded to the grid becomes v + round(N), N normal. Since v lies on the grid, that is round(v + N):
/// the Gaussian mechanism, seen through rounding, which cannot cost privacy; so its accounting holds for it. N is made by the
/// ziggurat method out of integers of 64 bits, at least 2²⁷ of which fall to each of the grid's points: its probability is
/// right but for a factor within 1 ± 2⁻²⁶. For 31 million values that adds at most 4·10⁻⁸ to a release's Rényi divergence
/// of order 10. What lies beyond 15.99 standard deviations, 2·10⁻⁵⁷ of the mass, falls to the last point: no divergence is
/// finite there, so that it counts as δ, and over a thousand releases of 31 million values that is less than 10⁻⁴⁶. To round
/// the sum to float32 afterwards costs nothing.
///
/// To round the values to the grid first makes their sensitivity larger, by at most √d steps for d values, a step being at
/// most 2⁻³² standard deviations. `covering(sensitivity:noiseMultiplier:)` makes as much more noise as that takes.
public struct GaussianNoise: AdditiveNoise {
    /// Of the noise, in the unit of the values.
    public let standardDeviation: Double
    /// Of the grid: a power of two.
    public let step: Double
    /// Of 2⁻⁶⁰ standard deviations, in 2⁻⁹⁰ steps.
    private let scale: UInt64
    private var stream: KeyStream

    /// - Parameter standardDeviation: a positive number.
    /// - Throws: `PrivacyError.setting`.
    public init(standardDeviation: Double, stream: KeyStream = KeyStream()) throws {
        guard standardDeviation.isFinite, standardDeviation > 0x1p-100, standardDeviation < 0x1p100 else {
            throw PrivacyError.setting("Noise of standard deviation \(standardDeviation) cannot be made.")
        }
        self.standardDeviation = standardDeviation
        step = NoiseGrid.step(standardDeviation)
        scale = UInt64((standardDeviation / step * 0x1p30).rounded())
        self.stream = stream
    }

    /// From this σ on no noise is made.
    public static let mostNoise = 0x1p14

    /// Noise of so many times a sensitivity, with what rounding up to 2³⁰ values to the grid adds to it.
    ///
    /// - Throws: `PrivacyError.setting`.
    public static func covering(sensitivity: Double, noiseMultiplier: Double, stream: KeyStream = KeyStream()) throws
        -> GaussianNoise
    {
        guard noiseMultiplier < mostNoise else {
            throw PrivacyError.setting(
                "Noise of \(noiseMultiplier) times the clipping norm drowns everything: allow a larger ε, or train less."
            )
        }
        // s = m·(c + √d·2⁻³²·s), solved for s.
        return try GaussianNoise(
            standardDeviation: sensitivity * noiseMultiplier / (1 - 0x1p-17 * noiseMultiplier), stream: stream)
    }

    // MARK: Adding it

    /// Rounds each value to the grid and adds noise of its own.
    ///
    /// Values that are no numbers stay so.
    public mutating func add(to values: UnsafeMutableBufferPointer<Float>) {
        let (step, steps) = (step, 1 / step)
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: Self.block) { noise in
            for first in stride(from: 0, to: values.count, by: Self.block) {
                let count = min(Self.block, values.count - first)
                fill(UnsafeMutableBufferPointer(rebasing: noise[..<count]))
                for i in 0..<count {
                    let value = Double(values[first + i])
                    guard value.isFinite else { continue }
                    values[first + i] = Float(Double(NoiseGrid.rounded(value, steps: steps) + noise[i]) * step)
                }
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
        var draws = [Int64](repeating: 0, count: count)
        draws.withUnsafeMutableBufferPointer { draws in
            for first in stride(from: 0, to: count, by: Self.block) {
                fill(UnsafeMutableBufferPointer(rebasing: draws[first..<min(count, first + Self.block)]))
            }
        }
        return draws
    }

    // MARK: Making it

    private static let block = 2048

    /// - Parameter draws: at most a block.
    private mutating func fill(_ draws: UnsafeMutableBufferPointer<Int64>) {
        let ziggurat = Ziggurat.shared
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: Self.block) { choices in
            stream.fill(UnsafeMutableRawBufferPointer(draws))
            stream.fill(UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: choices[..<draws.count])))
            ziggurat.widths.withUnsafeBufferPointer { widths in
                ziggurat.inner.withUnsafeBufferPointer { inner in
                    for i in 0..<draws.count {
                        let (choice, fraction) = (choices[i], UInt64(bitPattern: draws[i]))
                        let layer = Int(choice & 255)
                        var position = fraction.multipliedFullWidth(by: widths[layer]).high
                        if fraction >= inner[layer] { position = outside(layer, position, ziggurat) }
                        let steps = grid(position)
                        draws[i] = choice & 256 == 0 ? steps : -steps
                    }
                }
            }
        }
    }

    /// A position in 2⁻⁶⁰ standard deviations, rounded to the grid, up where it lies between.
    @inline(__always)
    private func grid(_ position: UInt64) -> Int64 {
        let product = position.multipliedFullWidth(by: scale)
        return Int64((product.high + (1 << 25)) >> 26)
    }

    /// The grid's point for what lies so many standard deviations beyond the ziggurat's edge.
    package func draw(beyondEdge distance: Double) -> Int64 { grid(Self.position(beyondEdge: distance)) }

    /// In 2⁻⁶⁰ standard deviations. The parts are added as integers: a sum of doubles would lose the last digits.
    private static func position(beyondEdge distance: Double) -> UInt64 {
        let edge = UInt64(Ziggurat.edge * 0x1p60)
        return edge + UInt64(min(distance, 15.99 - Ziggurat.edge) * 0x1p60)
    }

    /// Decides what falls beside the inner part of a layer: the tail, what lies below the curve, or a new draw.
    @inline(never)
    private mutating func outside(_ layer: Int, _ position: UInt64, _ ziggurat: Ziggurat) -> UInt64 {
        var (layer, position) = (layer, position)
        while true {
            if layer == 0 { return tail() }
            let x = Double(position) * 0x1p-60
            let height = uniform() * (ziggurat.heights[layer + 1] - ziggurat.heights[layer]) + ziggurat.heights[layer]
            if height < exp(-0.5 * x * x) { return position }
            layer = Int(stream.next() & 255)
            let fraction = stream.next()
            position = fraction.multipliedFullWidth(by: ziggurat.widths[layer]).high
            if fraction < ziggurat.inner[layer] { return position }
        }
    }

    /// Beyond the edge: Marsaglia 1964.
    private mutating func tail() -> UInt64 {
        while true {
            let x = -log(uniform()) / Ziggurat.edge
            if -2 * log(uniform()) > x * x { return Self.position(beyondEdge: x) }
        }
    }

    /// In (0, 1), with all of a double's digits, however small.
    private mutating func uniform() -> Double {
        var exponent = -1
        var word = stream.next()
        while word == 0 {
            exponent -= 64
            word = stream.next()
        }
        exponent -= word.leadingZeroBitCount
        return Double(sign: .plus, exponent: exponent, significand: 1 + Double(stream.next() >> 12) * 0x1p-52)
    }
}
