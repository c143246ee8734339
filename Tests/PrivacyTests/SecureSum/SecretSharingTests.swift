import Testing

import Privacy

@Suite struct SecretSharingTests {
    @Test func everyThresholdOfSharesTellsTheSecret() {
        var stream = KeyStream(seed: 1)
        let secret = (0..<32).map { _ in UInt8.random(in: 0...255, using: &stream) }
        for threshold in 1...5 {
            let shares = SecretSharing.split(secret, threshold: threshold, into: 5, using: &stream)
            for subset in 0..<32 {
                let some = shares.indices.filter { subset >> $0 & 1 == 1 }.map { shares[$0] }
                // With one share too few, all 32 bytes are right by chance 1 time in 2²⁵⁶.
                #expect((SecretSharing.combine(some) == secret) == (some.count >= threshold))
            }
        }
    }

    /// One share of two says nothing: over many sharings of one secret its bytes are even.
    @Test func tooFewSharesAreEvenlySpread() {
        var stream = KeyStream(seed: 2)
        var counts = [Int](repeating: 0, count: 256)
        let rounds = 256 * 200
        for _ in 0..<rounds {
            counts[Int(SecretSharing.split([7], threshold: 2, into: 2, using: &stream)[0].bytes[0])] += 1
        }
        let statistic = counts.reduce(0.0) { $0 + ($1 == 0 ? 200 : (Double($1) - 200) * (Double($1) - 200) / 200) }
        // χ² of 255 degrees of freedom: above 424 once in 10⁹ seeds.
        #expect(statistic < 424)
    }

    @Test func theFieldIsThatOfAES() {
        // FIPS 197, section 4.2.
        #expect(SecretSharing.product(0x57, 0x83) == 0xc1 && SecretSharing.product(0x57, 0x13) == 0xfe)
        for a in UInt8.min...UInt8.max {
            #expect(SecretSharing.product(a, SecretSharing.inverse(a)) == (a == 0 ? 0 : 1))
        }
    }

    @Test func doubleAndMissingPointsAreRefused() {
        var stream = KeyStream(seed: 3)
        let shares = SecretSharing.split([1, 2, 3], threshold: 2, into: 3, using: &stream)
        #expect(SecretSharing.combine([shares[0], shares[0]]) == nil)
        #expect(SecretSharing.combine([]) == nil)
        #expect(SecretSharing.combine([shares[0], SecretSharing.Share(point: 0, bytes: [1, 2, 3])]) == nil)
        #expect(SecretSharing.combine([shares[0], SecretSharing.Share(point: 2, bytes: [1])]) == nil)
    }
}
