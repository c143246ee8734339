import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct CKKSTamperingTests {
    private let context = CKKSTests.contexts[.flare]!
    private let key = CKKSTests.keys[.flare]!

    private func open(_ vector: CKKSVector, round: Int = 1) throws -> [Float] {
        try context.decrypt(vector, key: key, occasion: "run, round \(round)")
    }

    @Test func oneChangedBitIsSeen() throws {
        var sum = try seal([1, 2, 3], 2, "a", .flare)
        try sum.add(seal([3, 2, 1], 1, "b", .flare))
        let bytes = try sum.bytes()
        #expect(try open(CKKSVector(bytes: bytes)).count == 3)
        // Bits of the polynomial of either prime, from its ends.
        let body = 8192 * 100 / 8
        for place in [bytes.count - body, bytes.count - body + 8192 * 60 / 8, bytes.count - 1] {
            var changed = bytes
            changed[place] ^= 1
            #expect { try open(CKKSVector(bytes: changed)) } throws: { isForged($0) }
        }
    }

    @Test func changedHeadersAreSeen() throws {
        var sum = try seal([1, 2, 3], 2, "a", .flare)
        try sum.add(seal([3, 2, 1], 1, "b", .flare))
        let bytes = try sum.bytes()
        for (old, new) in [
            (#""weight":2"#, #""weight":3"#), (#""site":"a""#, #""site":"c""#), (#""count":3"#, #""count":4"#),
            (#""scale":1"#, #""scale":2"#), (#""primes":2"#, #""primes":1"#), (#""scaleBits":40"#, #""scaleBits":39"#),
        ] {
            let changed = try replacing(old, by: new, in: bytes)
            #expect { try open(CKKSVector(bytes: changed)) } throws: { isForged($0) || "\($0)".contains("parameters") }
        }
        for (name, characters) in [(#""seed":""#, "AB"), (#""tag":["#, "12")] {
            var changed = bytes
            let place = try #require(changed.firstRange(of: Data(name.utf8))).upperBound
            let (one, other) = (characters.utf8.first!, characters.utf8.last!)
            changed[place] = changed[place] == one ? other : one
            #expect { try open(CKKSVector(bytes: changed)) } throws: { isForged($0) }
        }
    }

    @Test func anotherRoundsAndReplayedVectorsAreRefused() throws {
        let (a, b, old) = (
            try seal([1], 1, "a", .flare), try seal([1], 1, "b", .flare), try seal([1], 1, "b", .flare, 0)
        )
        var sum = a
        try sum.add(b)
        #expect(try abs(open(sum)[0] - 1) < 1e-6)
        #expect { try open(sum, round: 2) } throws: { isForged($0) }
        var mixed = a
        try mixed.add(old)
        #expect { try open(mixed) } throws: { isForged($0) }
        #expect { try sum.add(b) } throws: { isForged($0) }
        #expect { try sum.add(sum) } throws: { isForged($0) }
    }

    @Test func oneSitesUpdateIsNotOpened() throws {
        let alone = try seal([1], 1, "a", .flare)
        #expect(throws: PrivacyError.self) { try open(alone) }
        var two = alone
        try two.add(seal([1], 1, "b", .flare))
        #expect(throws: PrivacyError.self) {
            try context.decrypt(two, key: key, occasion: "run, round 1", fewestSites: 3)
        }
    }

    @Test func anotherKeyOpensNothing() throws {
        var sum = try seal([1], 1, "a", .flare)
        try sum.add(seal([1], 1, "b", .flare))
        let other = try CKKSKey(bytes: Data(repeating: 8, count: 32), context: context)
        #expect { try context.decrypt(sum, key: other, occasion: "run, round 1") } throws: { isForged($0) }
        #expect(abs(try context.decryptUnverified(sum, key: other)[0]) > 1)
    }

    @Test func whatDoesNotBelongTogetherIsNotAdded() throws {
        var sum = try seal([1, 2], 1, "a", .flare)
        #expect(throws: PrivacyError.self) { try sum.add(seal([1], 1, "b", .flare)) }
        #expect(throws: PrivacyError.self) { try sum.add(seal([1, 2], 1, "b", .additive)) }
        #expect(throws: PrivacyError.self) {
            try sum.add(context.multiply(seal([1, 2], 1, "b", .flare), by: 1))
        }
    }

    @Test func brokenBytesAreRefused() throws {
        let bytes = try seal([1, 2, 3], 1, "a", .flare).bytes()
        for length in Array(0..<400) + [bytes.count - 1] {
            #expect { try CKKSVector(bytes: bytes.prefix(length)) } throws: { isForged($0) }
        }
        #expect { try CKKSVector(bytes: bytes + [0]) } throws: { isForged($0) }
        // The highest bits of the first number set: more than the prime.
        var large = bytes
        let body = bytes.count - 8192 * 100 / 8
        for place in body..<body + 8 { large[place] = 0xff }
        #expect { try CKKSVector(bytes: large) } throws: { isForged($0) }
        // A count that would ask for all memory.
        for count in ["999999999999", "9223372036854775807", "0", "-1", "8193"] {
            let vast = try replacing(#""count":3"#, by: #""count":"# + count, in: bytes)
            #expect { try CKKSVector(bytes: vast) } throws: { isForged($0) }
        }
        let weightless = try replacing(#""weight":1"#, by: #""weight":0"#, in: bytes)
        #expect { try CKKSVector(bytes: weightless) } throws: { isForged($0) }
    }

    /// The same with another text in its header, and the header's length as it is then.
    private func replacing(_ old: String, by new: String, in bytes: Data) throws -> Data {
        var changed = bytes
        changed.replaceSubrange(try #require(bytes.firstRange(of: Data(old.utf8))), with: Data(new.utf8))
        let length = Int(bytes[8]) + Int(bytes[9]) << 8 + new.utf8.count - old.utf8.count
        (changed[8], changed[9]) = (UInt8(length & 0xff), UInt8(length >> 8))
        return changed
    }

    private func isForged(_ error: any Error) -> Bool {
        if case .forged = error as? PrivacyError { true } else { false }
    }
}
