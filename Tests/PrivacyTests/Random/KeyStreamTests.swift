import Crypto
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct KeyStreamTests {
    @Test func itIsAESInCounterMode() {
        // AES-256 of a block of zeros under a key of zeros, as NIST's known answers for it begin.
        var stream = KeyStream(key: SymmetricKey(data: Data(count: 32)))
        var bytes = [UInt8](repeating: 0, count: 16)
        bytes.withUnsafeMutableBytes { stream.fill($0) }
        let expected: [UInt8] = [
            0xdc, 0x95, 0xc0, 0x78, 0xa2, 0x40, 0x89, 0x89, 0xad, 0x48, 0xa2, 0x14, 0x92, 0x84, 0x20, 0x87,
        ]
        #expect(bytes == expected)
    }

    @Test func numbersAndBytesAreOneStream() {
        var (numbers, bytes) = (KeyStream(seed: 7), KeyStream(seed: 7))
        var buffer = [UInt64](repeating: 0, count: 20_000)  // more than two chunks
        buffer.withUnsafeMutableBytes { bytes.fill($0) }
        #expect(buffer.map(UInt64.init(littleEndian:)) == (0..<20_000).map { _ in numbers.next() })
        #expect(Set(buffer).count == 20_000)
    }

    @Test func streamsOfOtherKeysDiffer() {
        var (a, b, c) = (KeyStream(seed: 1), KeyStream(seed: 2), KeyStream())
        let first = [a.next(), b.next(), c.next()]
        #expect(Set(first).count == 3)
    }
}
