import Privacy
import Testing

@Suite struct CKKSMultiplicationTests {
    private let context = CKKSTests.contexts[.flare]!
    private let key = CKKSTests.keys[.flare]!

    @Test func theServerDividesOnceAsFLAREs() throws {
        var random = KeyStream(seed: 1)
        let a = (0..<10_000).map { _ in Float.random(in: -1...1, using: &random) }
        let b = (0..<10_000).map { _ in Float.random(in: -1...1, using: &random) }
        var sum = try seal(a, 3, "a", .flare)
        try sum.add(seal(b, 2, "b", .flare))
        let divided = try CKKSVector(bytes: context.multiply(sum, by: 0.2).bytes())
        let opened = try context.decryptUnverified(divided, key: key)
        #expect(opened.count == 10_000)
        for i in opened.indices { #expect(abs(opened[i] - (3 * a[i] + 2 * b[i]) / 5) < 2e-7) }
        let negative = try context.decryptUnverified(context.multiply(sum, by: -4), key: key)
        for i in opened.indices { #expect(abs(negative[i] + 4 * (3 * a[i] + 2 * b[i])) < 1e-5) }
    }

    @Test func twoDividedOnesAdd() throws {
        var sum = try context.multiply(seal([1, 2], 1, "a", .flare), by: 0.5)
        try sum.add(context.multiply(seal([5, 6], 1, "b", .flare), by: 0.5))
        let opened = try context.decryptUnverified(CKKSVector(bytes: sum.bytes()), key: key)
        #expect(abs(opened[0] - 3) < 1e-6 && abs(opened[1] - 4) < 1e-6)
    }

    @Test func aSecondMultiplicationIsRefused() throws {
        let once = try context.multiply(seal([1], 1, "a", .flare), by: 0.5)
        #expect {
            try context.multiply(once, by: 0.5)
        } throws: { "\($0)".contains("multiplied 1 times already") && "\($0)".contains("Divide after opening") }
        let additive = CKKSTests.contexts[.additive]!
        #expect {
            try additive.multiply(seal([1], 1, "a", .additive), by: 0.5)
        } throws: { "\($0)".contains("no multiplication") }
    }

    @Test func noTagNoVerifiedOpening() throws {
        var sum = try seal([1], 1, "a", .flare)
        try sum.add(seal([1], 1, "b", .flare))
        let once = try context.multiply(sum, by: 0.5)
        #expect(throws: PrivacyError.self) { try context.decrypt(once, key: key, occasion: "run, round 1") }
    }

    @Test(arguments: [Double.nan, .infinity, 1e10]) func factorsAreFinite(factor: Double) throws {
        #expect(throws: PrivacyError.self) { try context.multiply(seal([1], 1, "a", .flare), by: factor) }
    }
}
