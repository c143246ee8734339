import Privacy
import Testing

@Suite struct ModulusTests {
    private let moduli = [Modulus(3), Modulus(12289), Modulus(1_152_921_504_606_830_593), Modulus((1 << 61) - 1)]

    @Test func sumsDifferencesAndProductsAreThoseOfWideIntegers() {
        var random = KeyStream(seed: 1)
        for q in moduli {
            let edges = [0, 1, q.value / 2, q.value / 2 + 1, q.value - 1]
            for a in edges + (0..<50).map({ _ in random.next() % q.value }) {
                #expect(q.add(a, q.negate(a)) == 0)
                #expect(q.residue(q.centred(a)) == a)
                #expect(q.centred(a).magnitude <= q.value / 2)
                if a != 0 { #expect(q.multiply(a, q.inverse(a)) == 1) }
                let factor = ShoupFactor(a, modulo: q)
                for b in edges + [random.next() % q.value] {
                    #expect(UInt128(q.add(a, b)) == (UInt128(a) + UInt128(b)) % UInt128(q.value))
                    #expect(q.add(q.subtract(a, b), b) == a)
                    #expect(UInt128(q.multiply(a, b)) == UInt128(a) * UInt128(b) % UInt128(q.value))
                }
                for b in edges + [random.next(), .max] {
                    #expect(factor.lazyMultiply(b, modulo: q.value) < 2 * q.value)
                    #expect(UInt128(factor.multiply(b, modulo: q.value)) == UInt128(a) * UInt128(b) % UInt128(q.value))
                }
            }
        }
    }

    @Test func theSmallestNumberHasAResidue() {
        #expect(Modulus(12289).residue(.min) == UInt64(Int64.min % 12289 + 12289))
    }
}
