import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct CKKSTests {
    static let contexts: [CKKSParameters: CKKSContext] = [
        .flare: try! CKKSContext(.flare), .additive: try! CKKSContext(.additive),
    ]
    static let keys = contexts.mapValues { try! CKKSKey(bytes: Data(repeating: 7, count: 32), context: $0) }

    @Test(arguments: [CKKSParameters.flare, .additive], [1, 100, 8192, 8193, 20_000])
    func theSumIsTheWeightedMean(parameters: CKKSParameters, count: Int) throws {
        let (context, key) = (Self.contexts[parameters]!, Self.keys[parameters]!)
        var random = KeyStream(seed: UInt64(count))
        let updates = (0..<5).map { _ in (0..<count).map { _ in Float.random(in: -2...2, using: &random) } }
        let weights = [1, 0.25, 60, 17.5, 3]
        var sum: CKKSVector?
        for (index, update) in updates.enumerated() {
            let sealed = try seal(update, weights[index], "site \(index)", parameters)
            let arrived = try CKKSVector(bytes: sealed.bytes())
            if sum == nil { sum = arrived } else { try sum!.add(arrived) }
        }
        let mean = try context.decrypt(CKKSVector(bytes: sum!.bytes()), key: key, occasion: "run, round 1")
        #expect(mean.count == count)
        for i in 0..<count {
            let plain = zip(updates, weights).reduce(0) { $0 + Double($1.0[i]) * $1.1 } / weights.reduce(0, +)
            #expect(abs(Double(mean[i]) - plain) < 2.5e-7)  // half a unit of float32, and CKKS's error
        }
    }

    @Test func anUploadIsOnePolynomialAndASeed() throws {
        let flare = try seal(Array(repeating: 1, count: 8192), 1, "a", .flare).bytes().count
        let additive = try seal(Array(repeating: 1, count: 8192), 1, "a", .additive).bytes().count
        #expect((8192 * 100 / 8..<8192 * 100 / 8 + 400).contains(flare))
        #expect((8192 * 60 / 8..<8192 * 60 / 8 + 400).contains(additive))
    }

    /// Zeros open to what the errors are: there are some, of the width that they should have.
    @Test(arguments: [CKKSParameters.flare, .additive])
    func thereAreErrors(parameters: CKKSParameters) throws {
        let zeros = [Float](repeating: 0, count: 32_768)
        var sum = try seal(zeros, 1, "a", parameters)
        try sum.add(seal(zeros, 1, "b", parameters))
        let opened = try Self.contexts[parameters]!.decrypt(
            sum, key: Self.keys[parameters]!, occasion: "run, round 1")
        let deviation = (opened.reduce(0) { $0 + Double($1) * Double($1) } / 32_768).squareRoot()
        // Of two sites, in each half of a complex slot; divided by the weights' sum.
        let expected = (2 * 10.5 * 8192 / 2).squareRoot() / parameters.scale / 2
        #expect(abs(deviation / expected - 1) < 0.03)  // 7 standard deviations of 1 / √(2 · 32,768)
    }

    @Test(arguments: [CKKSParameters.flare, .additive])
    func whatIsSealedLooksLikeChance(parameters: CKKSParameters) throws {
        let zeros = [Float](repeating: 0, count: 40_000)
        let (first, again) = (try seal(zeros, 1, "a", parameters), try seal(zeros, 1, "a", parameters))
        #expect(first.terms[0].seed != again.terms[0].seed)
        let (a, b) = (try first.bytes().suffix(300_000), try again.bytes().suffix(300_000))
        var (counts, differences) = ([Int](repeating: 0, count: 256), [Int](repeating: 0, count: 256))
        for (x, y) in zip(a, b) {
            counts[Int(x)] += 1
            differences[Int(x &- y)] += 1
        }
        for cells in [counts, differences] {
            let expected = 300_000.0 / 256
            let statistic = cells.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
            // 255 degrees of freedom: beyond once in 10⁹.
            #expect(statistic < 410)
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity, 1e9, -1e9])
    func whatCannotBeSealedIsRefused(value: Float) throws {
        var values = [Float](repeating: 0.5, count: 9000)
        values[8500] = value
        #expect(throws: PrivacyError.self) { try seal(values, 1, "a", .flare) }
        #expect(throws: PrivacyError.self) { try seal(values, 1, "a", .additive) }
    }

    @Test func weightsAreAboveZeroAndCountInTheBound() throws {
        for weight in [0, -1, Double.nan, .infinity] {
            #expect(throws: PrivacyError.self) { try seal([1], weight, "a", .flare) }
        }
        #expect(throws: PrivacyError.self) { try seal([1], 1000, "a", .additive) }
        #expect(throws: PrivacyError.self) { try seal([], 1, "a", .flare) }
    }

    /// A thousand times the largest value still fits.
    @Test func theLargestSumIsOpened() throws {
        let parameters = CKKSParameters.additive
        let largest = Float(parameters.largestValue) * 0.999
        let values = (0..<8192).map { $0 % 3 == 0 ? -largest : largest }
        var sum = try seal(values, 1, "0", parameters)
        let one = try seal(values, 1, "1", parameters).bytes()
        try sum.add(CKKSVector(bytes: one))
        let opened = try Self.contexts[parameters]!.decrypt(
            sum, key: Self.keys[parameters]!, occasion: "run, round 1")
        #expect(zip(opened, values).allSatisfy { abs($0 - $1) < largest * 1e-6 })
        #expect(parameters.largestValue * 1000 * parameters.scale * 2.0.squareRoot() < 0x1p59)
    }

    @Test func keysTellNothingAndNeedThirtyTwoBytes() throws {
        let bytes = CKKSKey.randomBytes()
        let key = try CKKSKey(bytes: bytes, context: Self.contexts[.flare]!)
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key)" == "CKKS key (secret)")
        #expect(dumped.count < 60)
        #expect(throws: PrivacyError.self) { try CKKSKey(bytes: bytes.dropLast(), context: Self.contexts[.flare]!) }
        #expect(CKKSKey.randomBytes() != bytes)
    }

    @Test func keysBelongToParameters() throws {
        #expect(throws: PrivacyError.self) {
            try Self.contexts[.flare]!.encrypt(
                UnsafeBufferPointer(start: nil, count: 0), weight: 1, key: Self.keys[.additive]!, site: "a",
                occasion: "")
        }
    }
}

func seal(_ values: [Float], _ weight: Double, _ site: String, _ parameters: CKKSParameters, _ round: Int = 1) throws
    -> CKKSVector
{
    try values.withUnsafeBufferPointer {
        try CKKSTests.contexts[parameters]!.encrypt(
            $0, weight: weight, key: CKKSTests.keys[parameters]!, site: site, occasion: "run, round \(round)")
    }
}
