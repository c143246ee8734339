import Privacy
import Testing

@Suite struct BitPackingTests {
    @Test(arguments: [1, 7, 8, 20, 32, 40, 54, 57, 60, 61, 63])
    func numbersComeBack(bits: Int) {
        for count in [1, 2, 3, 17, 64, 100] {
            var random = KeyStream(seed: UInt64(bits))
            let mask = (1 as UInt64) << UInt64(bits) - 1
            let numbers = (0..<count).map { $0 == 1 ? mask : random.next() & mask }
            var bytes = [UInt8](repeating: 0xaa, count: BitPacking.byteCount(count, bits: bits) + 1)
            bytes.withUnsafeMutableBytes { BitPacking.pack(numbers, count: count, bits: bits, into: $0.baseAddress!) }
            #expect(bytes.last == 0xaa)  // none too many was written
            var back = [UInt64](repeating: 0, count: count)
            bytes.dropLast().withUnsafeBytes { bytes in
                BitPacking.unpack(bytes.baseAddress!, count: count, bits: bits, into: &back)
            }
            #expect(back == numbers)
        }
    }

    @Test func lowestBitsComeFirst() {
        var bytes = [UInt8](repeating: 0, count: 3)
        bytes.withUnsafeMutableBytes { BitPacking.pack([0x123, 0xabc], count: 2, bits: 12, into: $0.baseAddress!) }
        #expect(bytes == [0x23, 0xc1, 0xab])
    }
}
