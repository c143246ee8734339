import Privacy
import Testing

@Suite struct NTTPrimesTests {
    @Test func primesAreToldFromTheirLikes() {
        let primes = (0..<100).filter { NTTPrimes.isPrime(UInt64($0)) }
        #expect(
            primes == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97])
        // A Carmichael number, the smallest composites that pass for the first seven and nine bases, a square of a prime.
        for composite: UInt64 in [
            561, 341_550_071_728_321, 3_825_123_056_546_413_051, 4_294_967_291 * 4_294_967_291,
        ] {
            #expect(!NTTPrimes.isPrime(composite))
        }
        #expect(NTTPrimes.isPrime((1 << 61) - 1))
        #expect(NTTPrimes.isPrime(18_446_744_073_709_551_557))  // the largest below 2⁶⁴
    }

    /// What SEAL gave through TenSEAL 0.3.18: sealapi.CoeffModulus.Create.
    @Test func chainsAreThoseOfSEAL() throws {
        #expect(
            try NTTPrimes.chain(bits: [60, 40, 40], degree: 8192)
                == [1_152_921_504_606_830_593, 1_099_510_890_497, 1_099_511_480_321])
        #expect(
            try NTTPrimes.chain(bits: [54, 54], degree: 4096) == [18_014_398_509_293_569, 18_014_398_509_309_953])
    }

    @Test func thereMustBeEnough() {
        #expect(throws: PrivacyError.self) { try NTTPrimes.largest(3, bits: 14, degree: 4096) }
        #expect(throws: PrivacyError.self) { try NTTPrimes.largest(1, bits: 62, degree: 4096) }
        #expect(throws: PrivacyError.self) { try NTTPrimes.largest(1, bits: 40, degree: 4095) }
    }
}
