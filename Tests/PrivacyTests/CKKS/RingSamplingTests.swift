import Privacy
import Testing

/// With fixed seeds, so that nothing here fails by chance.
@Suite struct RingSamplingTests {
    @Test func errorsAreCentredBinomial() {
        let count = 200_000
        var numbers = [Int64](repeating: 0, count: count)
        var stream = KeyStream(seed: 1)
        numbers.withUnsafeMutableBufferPointer { RingSampling.addErrors($0.baseAddress!, count: count, from: &stream) }
        // Against the binomial's shares C(42, 21 + e) / 2⁴², where they are large enough for χ².
        var share = 1.0
        for _ in 0..<42 { share /= 2 }
        var statistic = 0.0
        var cells = 0
        for heads in 0...42 {
            let expected = share * Double(count)
            if expected > 20 {
                let seen = Double(numbers.count { $0 == Int64(heads - 21) })
                statistic += (seen - expected) * (seen - expected) / expected
                cells += 1
            }
            share *= Double(42 - heads) / Double(heads + 1)
        }
        #expect(cells > 20)
        #expect(statistic < 90)  // 24 degrees of freedom: passed by chance once in 10⁸
        let variance = numbers.reduce(0.0) { $0 + Double($1 * $1) } / Double(count)
        #expect(abs(variance - 10.5) < 0.2)  // six standard deviations
    }

    @Test func errorsAreAdded() {
        var (plain, raised) = ([Int64](repeating: 0, count: 50), [Int64](repeating: 1000, count: 50))
        var (a, b) = (KeyStream(seed: 2), KeyStream(seed: 2))
        plain.withUnsafeMutableBufferPointer { RingSampling.addErrors($0.baseAddress!, count: 50, from: &a) }
        raised.withUnsafeMutableBufferPointer { RingSampling.addErrors($0.baseAddress!, count: 50, from: &b) }
        #expect(raised == plain.map { $0 + 1000 })
        #expect(Set(plain).count > 3)
    }

    @Test func secretsAreTernaryInThirds() {
        var stream = KeyStream(seed: 3)
        let secret = RingSampling.ternary(count: 90_000, from: &stream)
        #expect(secret.count == 90_000)
        for digit in -1...1 as ClosedRange<Int64> {
            // Six standard deviations of √(90,000 · 2/9).
            #expect(abs(secret.count { $0 == digit } - 30_000) < 850)
        }
    }

    /// With a prime far below a power of 2, where many words are passed over, and one just below.
    @Test(arguments: [(1 << 20) / 3 as UInt64, 1_099_510_890_497])
    func uniformNumbersFillTheirRange(q: UInt64) {
        let count = 100_000
        var numbers = [UInt64](repeating: 0, count: count)
        var stream = KeyStream(seed: 4)
        numbers.withUnsafeMutableBufferPointer {
            RingSampling.uniform($0.baseAddress!, count: count, modulo: Modulus(q), from: &stream)
        }
        #expect(numbers.allSatisfy { $0 < q })
        var tenths = [Int](repeating: 0, count: 10)
        for number in numbers { tenths[Int(UInt128(number) * 10 / UInt128(q))] += 1 }
        #expect(tenths.allSatisfy { abs($0 - count / 10) < 570 })  // six standard deviations
    }
}
