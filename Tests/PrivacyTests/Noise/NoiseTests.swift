import Privacy
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whether noise has the distribution that the accounting supposes. Each statistic exceeds its bound with a probability of
/// less than 10⁻⁹ where the distribution is right; the bits are seeded, so that a test that passes goes on passing.
@Suite struct NoiseTests {
    private static func gaussian(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
    private static func laplace(_ x: Double) -> Double { x < 0 ? 0.5 * exp(x) : 1 - 0.5 * exp(-x) }

    /// Values in standard deviations, or scales.
    private func gaussians(_ count: Int, sigma: Double = 1, seed: UInt64) throws -> [Double] {
        var noise = try GaussianNoise(standardDeviation: sigma, stream: NoiseSource.seeded(seed).stream("test"))
        let factor = noise.step / sigma
        return noise.draws(count).map { Double($0) * factor }
    }

    private func laplaces(_ count: Int, scale: Double = 1, seed: UInt64) throws -> [Double] {
        var noise = try LaplaceNoise(scale: scale, stream: NoiseSource.seeded(seed).stream("test"))
        let factor = noise.step / scale
        return noise.draws(count).map { Double($0) * factor }
    }

    /// The largest distance between both cumulative functions; P(√n·D > x) < 2e^(−2x²) (Massart 1990), 10⁻⁹ at 3.28.
    private func kolmogorovSmirnov(_ values: [Double], _ cumulative: (Double) -> Double) -> Double {
        let n = Double(values.count)
        var largest = 0.0
        for (index, value) in values.sorted().enumerated() {
            let expected = cumulative(value)
            largest = max(largest, abs(expected - Double(index) / n), abs(Double(index + 1) / n - expected))
        }
        return largest * n.squareRoot()
    }

    @Test(arguments: [1.0, 0.7, 1234.5, 3e-6]) func gaussianNoiseIsNormal(sigma: Double) throws {
        let values = try gaussians(500_000, sigma: sigma, seed: 1)
        #expect(kolmogorovSmirnov(values, Self.gaussian) < 3.28)
        // Moments of order 1 to 4 within 6.2 of their own standard deviations.
        let n = Double(values.count)
        for (power, mean, variance) in [(1.0, 0.0, 1.0), (2, 1, 2), (3, 0, 15), (4, 3, 96)] {
            let moment = values.reduce(0) { $0 + pow($1, power) } / n
            #expect(abs(moment - mean) < 6.2 * (variance / n).squareRoot(), "\(power): \(moment)")
        }
    }

    @Test func laplaceNoiseIsLaplacian() throws {
        for scale in [1.0, 0.6, 77] {
            let values = try laplaces(200_000, scale: scale, seed: 2)
            #expect(kolmogorovSmirnov(values, Self.laplace) < 3.28)
            let n = Double(values.count)
            for (power, mean, variance) in [(1.0, 0.0, 2.0), (2, 2, 20)] {
                let moment = values.reduce(0) { $0 + pow($1, power) } / n
                #expect(abs(moment - mean) < 6.2 * (variance / n).squareRoot(), "\(power): \(moment)")
            }
        }
    }

    /// The layers' edges, the wedges and the tail, where a mistake in the method would show: cells of a twentieth.
    @Test func gaussianNoiseFillsEveryPartOfTheCurve() throws {
        let count = 4_000_000
        var cells = [Int](repeating: 0, count: 160)
        for value in try gaussians(count, seed: 3) { cells[min(159, max(0, Int((value + 4) * 20)))] += 1 }
        var chiSquare = 0.0
        for (cell, found) in cells.enumerated() {
            let low = cell == 0 ? 0 : Self.gaussian(Double(cell) / 20 - 4)
            let high = cell == 159 ? 1 : Self.gaussian(Double(cell + 1) / 20 - 4)
            let expected = (high - low) * Double(count)
            chiSquare += (Double(found) - expected) * (Double(found) - expected) / expected
        }
        // 159 degrees of freedom: P(χ² > 288) < 10⁻⁹.
        #expect(chiSquare < 288, "\(chiSquare)")
    }

    /// Beyond 3.6541 standard deviations values come another way.
    @Test func theTailIsNormal() throws {
        let edge = 3.6541528853610088
        let values = try gaussians(10_000_000, seed: 4).map(abs).filter { $0 > edge }
        let part = 2 * Self.gaussian(-edge)
        #expect(abs(Double(values.count) - 1e7 * part) < 6.2 * (1e7 * part).squareRoot())
        #expect(kolmogorovSmirnov(values) { 1 - Self.gaussian(-$0) / Self.gaussian(-edge) } < 3.28)
        #expect(values.max()! < 7)
    }

    /// The tail is exact to the grid's last digits, as far as 15.99 standard deviations: what is cut off there is no more than
    /// 10⁻⁴⁶ of the mass over a thousand releases of 31 million values.
    @Test func theTailReachesAsFarAsItIsSaid() throws {
        let edge = 3.6541528853610088
        for sigma in [1.0, 0.7, 3e-6] {
            let noise = try GaussianNoise(standardDeviation: sigma)
            var last: Int64 = 0
            for distance in [0, 0x1p-40, 1e-6, 0.4, 4.3, 4.4, 7, 12.3] {
                let draw = noise.draw(beyondEdge: distance)
                // Rounded once; what a double of that size cannot say is far below.
                let expected = (edge + distance) * sigma / noise.step
                #expect(abs(Double(draw) - expected) <= 0.5 + 1e-4, "\(distance)")
                #expect(draw >= last)
                last = draw
            }
            #expect(noise.draw(beyondEdge: 40) == noise.draw(beyondEdge: 1e9))
            #expect(abs(Double(noise.draw(beyondEdge: 40)) * noise.step / sigma - 15.99) < 1e-9)
        }
        #expect(2 * Self.gaussian(-15.99) * 31e6 * 1000 < 1e-46)
    }

    /// All digits of the grid take part: its last byte is uniform.
    @Test func theGridsLastDigitsAreUniform() throws {
        var gaussian = try GaussianNoise(standardDeviation: 1, stream: NoiseSource.seeded(5).stream("digits"))
        var laplace = try LaplaceNoise(scale: 1, stream: NoiseSource.seeded(5).stream("digits"))
        for draws in [gaussian.draws(1 << 20), laplace.draws(1 << 17)] {
            var counts = [Int](repeating: 0, count: 256)
            for draw in draws { counts[Int(draw & 255)] += 1 }
            let expected = Double(draws.count) / 256
            let chiSquare = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
            // 255 degrees of freedom: P(χ² > 409) < 10⁻⁹; and no less than chance would: P(χ² < 141) < 10⁻⁹.
            #expect(chiSquare < 409 && chiSquare > 141, "\(chiSquare)")
        }
    }

    @Test func valuesKeepTheirPlaceOnTheGrid() throws {
        var noise = try GaussianNoise(standardDeviation: 0.75, stream: NoiseSource.seeded(6).stream("a"))
        #expect(noise.step == 0x1p-33)
        var values = (0..<10_000).map { Float($0 % 7) - 3 }
        let before = values
        values.withUnsafeMutableBufferPointer { noise.add(to: $0) }
        let differences = zip(values, before).map { Double($0 - $1) / 0.75 }
        #expect(kolmogorovSmirnov(differences, Self.gaussian) < 3.28)
        // One value alone is exactly on the grid.
        let one = noise.add(to: 0.3)
        #expect((one / noise.step).rounded() == one / noise.step)
        var broken: [Float] = [.nan, .infinity, 1]
        broken.withUnsafeMutableBufferPointer { noise.add(to: $0) }
        #expect(broken[0].isNaN && broken[1] == .infinity && broken[2].isFinite && broken[2] != 1)
    }

    @Test func onlySecureNoiseClaimsPrivacy() throws {
        #expect(NoiseSource.secure.claimsPrivacy && !NoiseSource.seeded(1).claimsPrivacy)
        #expect("\(NoiseSource.seeded(1))".contains("no privacy claim"))
        #expect(try gaussians(100, seed: 9) == gaussians(100, seed: 9))
        #expect(try gaussians(100, seed: 9) != gaussians(100, seed: 10))
        var (a, b) = (NoiseSource.seeded(1).stream("a"), NoiseSource.seeded(1).stream("b"))
        #expect(a.next() != b.next())
        var (first, second) = (try GaussianNoise(standardDeviation: 1), try GaussianNoise(standardDeviation: 1))
        #expect(first.draws(10) != second.draws(10))
    }

    @Test func noiseThatCannotBeMadeIsRefused() {
        for scale in [0, -1, Double.nan, .infinity, 1e-300] {
            #expect(throws: PrivacyError.self) { try GaussianNoise(standardDeviation: scale) }
            #expect(throws: PrivacyError.self) { try LaplaceNoise(scale: scale) }
        }
        #expect(throws: PrivacyError.self) { try GaussianNoise.covering(sensitivity: 1, noiseMultiplier: 1e6) }
    }

    @Test func roundingManyValuesInL1IsCoveredByLaplaceNoise() throws {
        for multiplier in [0.5, 12.7, 1000, 4000] {
            let noise = try LaplaceNoise.covering(sensitivity: 3, noiseMultiplier: multiplier)
            #expect(noise.scale >= multiplier * (3 + 0x1p27 * noise.step))
            #expect(noise.scale < multiplier * 3 * (1 + 0x1p-12 * multiplier))
        }
        #expect(throws: PrivacyError.self) { try LaplaceNoise.covering(sensitivity: 1, noiseMultiplier: 4096) }
    }

    @Test func roundingToTheGridIsCoveredByTheNoise() throws {
        for multiplier in [0.5, 1, 12.7, 1000] {
            let noise = try GaussianNoise.covering(sensitivity: 3, noiseMultiplier: multiplier)
            let sensitivity = 3 + 0x1p15 * noise.step
            #expect(noise.standardDeviation >= multiplier * sensitivity)
            #expect(noise.standardDeviation < multiplier * 3 * (1 + 0x1p-16 * multiplier))
        }
    }
}
