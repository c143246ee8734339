import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct ThresholdTests {
    /// Keys of some sites, all made in one place.
    private struct Sites {
        let scheme: ThresholdScheme
        let key: ThresholdPublicKey
        let shares: [ThresholdShare]

        init(_ sites: Int, threshold: Int) throws {
            let scheme = try ThresholdScheme(sites: sites, threshold: threshold, run: "run")
            let secrets = (0..<sites).map { _ in scheme.makeSecret() }
            let dealt = secrets.map { scheme.deal($0) }
            self.scheme = scheme
            key = try scheme.publicKey(secrets.map(\.publicPart))
            shares = try (1...sites).map { site in try scheme.share(dealt.map { $0[site - 1] }, site: site) }
        }

        func encrypt(_ numbers: [Int64], _ site: Int) throws -> ThresholdVector {
            try numbers.withUnsafeBufferPointer { try scheme.encrypt($0, under: key, site: site) }
        }

        func sum(_ updates: [Int: [Int64]]) throws -> ThresholdVector {
            var sum: ThresholdVector?
            for (site, numbers) in updates.sorted(by: { $0.key < $1.key }) {
                let arrived = try scheme.vector(scheme.bytes(encrypt(numbers, site)))
                if sum == nil { sum = arrived } else { try scheme.add(arrived, to: &sum!) }
            }
            return sum!
        }

        func parts(_ sum: ThresholdVector, _ opening: [Int]) throws -> [Int: Data] {
            let question = scheme.question(sum)
            return Dictionary(
                uniqueKeysWithValues: try opening.map {
                    ($0, try scheme.part(of: question, share: shares[$0 - 1], opening: opening))
                })
        }
    }

    private func numbers(_ count: Int, seed: Int) -> [Int64] {
        var random = KeyStream(seed: UInt64(seed))
        let largest = ThresholdScheme.largestValue
        return (0..<count).map {
            $0 < 2 ? ($0 == 0 ? largest : -largest) : Int64.random(in: -largest...largest, using: &random)
        }
    }

    private func plainSum(_ updates: [Int: [Int64]]) -> [Int64] {
        updates.values.dropFirst().reduce(updates.values.first!) { zip($0, $1).map(+) }
    }

    @Test(arguments: [1, 4096, 4097, 10_000])
    func theSumIsExact(count: Int) throws {
        let sites = try Sites(3, threshold: 3)
        let updates = Dictionary(uniqueKeysWithValues: (1...3).map { ($0, numbers(count, seed: $0)) })
        let sum = try sites.sum(updates)
        #expect(sum.sites == [1, 2, 3])
        #expect(try sites.scheme.open(sum, parts: sites.parts(sum, [1, 2, 3])) == plainSum(updates))
    }

    /// Every three of five sites open, whoever is in the sum.
    @Test func anyThresholdOfSitesOpens() throws {
        let sites = try Sites(5, threshold: 3)
        let updates = Dictionary(uniqueKeysWithValues: [1, 2, 4, 5].map { ($0, numbers(100, seed: $0)) })
        let sum = try sites.sum(updates)
        let expected = plainSum(updates)
        for marks in 0..<32 where marks.nonzeroBitCount == 3 {
            let opening = (1...5).filter { marks >> ($0 - 1) & 1 == 1 }
            #expect(try sites.scheme.open(sum, parts: sites.parts(sum, opening)) == expected)
        }
    }

    @Test func theMostSitesFit() throws {
        let sites = try Sites(64, threshold: 2)
        let updates = Dictionary(
            uniqueKeysWithValues: (1...64).map { ($0, [Int64](repeating: -ThresholdScheme.largestValue, count: 10)) })
        let sum = try sites.sum(updates)
        let opened = try sites.scheme.open(sum, parts: sites.parts(sum, [7, 64]))
        #expect(opened == [Int64](repeating: -64 * ThresholdScheme.largestValue, count: 10))
    }

    @Test func fewerThanTheThresholdOpenNothing() throws {
        let sites = try Sites(3, threshold: 3)
        let sum = try sites.sum([1: [5, 6], 2: [7, 8]])
        let question = sites.scheme.question(sum)
        #expect(throws: PrivacyError.self) {
            try sites.scheme.part(of: question, share: sites.shares[0], opening: [1, 2])
        }
        #expect(throws: PrivacyError.self) {
            try sites.scheme.part(of: question, share: sites.shares[0], opening: [2, 3, 3])
        }
        var parts = try sites.parts(sum, [1, 2, 3])
        parts[3] = nil
        #expect(throws: PrivacyError.self) { try sites.scheme.open(sum, parts: parts) }
        // The third part made up: nothing but noise, which is noticed.
        let two = try ThresholdScheme(sites: 3, threshold: 2, run: "run")
        #expect { try two.open(sum, parts: parts) } throws: { isForged($0) }
        parts[3] = try sites.parts(sum, [1, 2, 3])[1]
        #expect { try sites.scheme.open(sum, parts: parts) } throws: { isForged($0) }
    }

    /// Parts for one set of sites do not serve another, nor those of another sum.
    @Test func partsOfAnotherOpeningDoNotFit() throws {
        let sites = try Sites(4, threshold: 2)
        let sum = try sites.sum([1: [5], 2: [7]])
        let other = try sites.sum([1: [5], 2: [7]])
        let (here, there) = (try sites.parts(sum, [1, 2]), try sites.parts(sum, [1, 3]))
        #expect { try sites.scheme.open(sum, parts: [2: here[2]!, 1: there[1]!]) } throws: { isForged($0) }
        let foreign = try sites.parts(other, [1, 2])
        #expect { try sites.scheme.open(sum, parts: [1: here[1]!, 2: foreign[2]!]) } throws: { isForged($0) }
        #expect(try sites.scheme.open(sum, parts: here) == [12])
    }

    /// Two parts of one opening differ by the noise of both: of coefficients uniform within ±2⁵⁹.
    @Test func partsCarryNoise() throws {
        let sites = try Sites(2, threshold: 2)
        let sum = try sites.sum([1: [1], 2: [2]])
        let (a, b) = (try sites.parts(sum, [1, 2]), try sites.parts(sum, [1, 2]))
        let primes = try NTTPrimes.chain(bits: [50, 50], degree: 4096)
        let residues = primes.indices.map { prime in
            let q = Modulus(primes[prime])
            var difference = zip(polynomial(prime, of: a[1]!), polynomial(prime, of: b[1]!)).map { q.subtract($0, $1) }
            difference.withUnsafeMutableBufferPointer {
                NegacyclicNTT(degree: 4096, modulus: primes[prime]).inverse($0)
            }
            return difference
        }
        let (p, q) = (UInt128(primes[0]), UInt128(primes[1]))
        let high = Modulus(primes[1])
        let inverse = high.inverse(primes[0] % primes[1])
        let noise = (0..<4096).map { i in
            let digit = high.multiply(high.subtract(residues[1][i], residues[0][i] % primes[1]), inverse)
            let number = UInt128(residues[0][i]) + p * UInt128(digit)
            return number > p * q / 2 ? -Double(p * q - number) : Double(number)
        }
        #expect(noise.allSatisfy { abs($0) <= 0x1p60 })
        let deviation = (noise.reduce(0) { $0 + $1 * $1 } / 4096).squareRoot()
        // 0.0093 is the relative standard deviation of this estimate: within seven of them.
        #expect(abs(deviation / (0x1p59 * (2.0 / 3).squareRoot()) - 1) < 0.065)
        #expect(try sites.scheme.open(sum, parts: [1: a[1]!, 2: b[2]!]) == [3])
    }

    private func polynomial(_ index: Int, of part: Data) -> [UInt64] {
        let length = BitPacking.byteCount(4096, bits: 50)
        var numbers = [UInt64](repeating: 0, count: 4096)
        part.dropFirst(index * length).prefix(length).withUnsafeBytes {
            BitPacking.unpack($0.baseAddress!, count: 4096, bits: 50, into: &numbers)
        }
        return numbers
    }

    @Test func whatCannotBeEncryptedIsRefused() throws {
        let sites = try Sites(2, threshold: 2)
        for number in [ThresholdScheme.largestValue + 1, -ThresholdScheme.largestValue - 1, .min, .max] {
            #expect(throws: PrivacyError.self) { try sites.encrypt([0, number], 1) }
        }
        #expect(throws: PrivacyError.self) { try sites.encrypt([], 1) }
        #expect(throws: PrivacyError.self) { try sites.encrypt([1], 3) }
        for (count, threshold) in [(1, 1), (65, 2), (3, 4), (3, 1)] {
            #expect(throws: PrivacyError.self) { try ThresholdScheme(sites: count, threshold: threshold, run: "run") }
        }
    }

    @Test func whatIsForgedIsRefused() throws {
        let sites = try Sites(3, threshold: 2)
        let (scheme, one) = (sites.scheme, try sites.encrypt([1, 2, 3], 1))
        var sum = one
        #expect { try scheme.add(one, to: &sum) } throws: { isForged($0) }
        #expect(throws: PrivacyError.self) { try scheme.add(sites.encrypt([1], 2), to: &sum) }
        let bytes = scheme.bytes(one)
        for length in Array(0..<40) + [bytes.count - 1] {
            #expect { try scheme.vector(bytes.prefix(length)) } throws: { isForged($0) }
        }
        for place in [0, 8, 16, 20, 23] {
            var changed = bytes
            changed[place] = place == 8 ? 0 : 0xff
            #expect { try scheme.vector(changed) } throws: { isForged($0) }
        }
        var large = bytes
        for place in 24..<31 { large[place] = 0xff }
        #expect { try scheme.vector(large) } throws: { isForged($0) }
        let part = scheme.makeSecret().publicPart
        #expect { try scheme.publicKey([part, part, scheme.makeSecret().publicPart]) } throws: { isForged($0) }
        #expect { try scheme.publicKey([part]) } throws: { isForged($0) }
        #expect { try scheme.share([part.dropLast(), part, part], site: 1) } throws: { isForged($0) }
    }

    @Test func secretsTellNothing() throws {
        let sites = try Sites(2, threshold: 2)
        var dumped = ""
        dump(sites.scheme.makeSecret(), to: &dumped)
        dump(sites.shares[0], to: &dumped)
        #expect(dumped.count < 150)
    }

    private func isForged(_ error: any Error) -> Bool {
        if case .forged = error as? PrivacyError { true } else { false }
    }
}
