import Privacy
import Testing

@Suite struct NegacyclicNTTTests {
    @Test(arguments: [(8, 17), (8, 61), (16, 20), (64, 40), (512, 54), (1024, 60)])
    func productsAreThoseOfPolynomials(degree: Int, bits: Int) throws {
        let modulus = bits == 17 ? 17 : try NTTPrimes.largest(1, bits: bits, degree: degree)[0]
        let (q, ntt) = (Modulus(modulus), NegacyclicNTT(degree: degree, modulus: modulus))
        var random = KeyStream(seed: UInt64(degree + bits))
        let a = (0..<degree).map { _ in random.next() % modulus }
        let b = (0..<degree).map { $0 % 3 == 0 ? modulus - 1 : random.next() % modulus }
        // Term by term, with Xᴺ = −1.
        var expected = [UInt64](repeating: 0, count: degree)
        for i in 0..<degree {
            for j in 0..<degree {
                let term = q.multiply(a[i], b[j])
                let place = (i + j) % degree
                expected[place] = i + j < degree ? q.add(expected[place], term) : q.subtract(expected[place], term)
            }
        }
        let (x, y) = (transformed(a, by: ntt), transformed(b, by: ntt))
        #expect(x.allSatisfy { $0 < modulus })
        var product = zip(x, y).map { q.multiply($0, $1) }
        product.withUnsafeMutableBufferPointer { ntt.inverse($0) }
        #expect(product == expected)
    }

    @Test(arguments: [(2048, 54), (4096, 54), (8192, 60), (8192, 40), (16384, 61)])
    func thereAndBackIsNothing(degree: Int, bits: Int) throws {
        let modulus = try NTTPrimes.largest(1, bits: bits, degree: degree)[0]
        let ntt = NegacyclicNTT(degree: degree, modulus: modulus)
        var random = KeyStream(seed: 3)
        let values = (0..<degree).map { _ in random.next() % modulus }
        var back = transformed(values, by: ntt)
        back.withUnsafeMutableBufferPointer { ntt.inverse($0) }
        #expect(back == values)
    }

    /// The largest numbers that may come in, everywhere: nothing overflows.
    @Test func numbersMayComeUnreduced() throws {
        let modulus = try NTTPrimes.largest(1, bits: 61, degree: 1024)[0]
        let ntt = NegacyclicNTT(degree: 1024, modulus: modulus)
        let reduced = [UInt64](repeating: modulus - 1, count: 1024)
        #expect(transformed(reduced.map { $0 + 3 * modulus }, by: ntt) == transformed(reduced, by: ntt))
        var (high, low) = (reduced.map { $0 + modulus }, reduced)
        high.withUnsafeMutableBufferPointer { ntt.inverse($0) }
        low.withUnsafeMutableBufferPointer { ntt.inverse($0) }
        #expect(high == low)
    }

    @Test func aConstantIsTheSameEverywhere() throws {
        let modulus = try NTTPrimes.largest(1, bits: 54, degree: 2048)[0]
        let ntt = NegacyclicNTT(degree: 2048, modulus: modulus)
        #expect(
            transformed([7] + [UInt64](repeating: 0, count: 2047), by: ntt) == [UInt64](repeating: 7, count: 2048))
    }

    private func transformed(_ values: [UInt64], by ntt: NegacyclicNTT) -> [UInt64] {
        var values = values
        values.withUnsafeMutableBufferPointer { ntt.forward($0) }
        return values
    }
}
