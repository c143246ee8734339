#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Numbers of a fixed number of bits, one behind the other, lowest bits first.
public enum BitPacking {
    public static func byteCount(_ count: Int, bits: Int) -> Int { (count * bits + 7) / 8 }

    /// - Parameters:
    ///   - numbers: each below 2^bits.
    ///   - bits: at most 63.
    ///   - output: `byteCount` bytes.
    public static func pack(
        _ numbers: UnsafePointer<UInt64>, count: Int, bits: Int, into output: UnsafeMutableRawPointer
    ) {
        var (word, filled, position) = (0 as UInt64, 0, 0)
        for i in 0..<count {
            let number = numbers[i]
            word |= number &<< UInt64(filled)
            filled += bits
            if filled >= 64 {
                output.storeBytes(of: word.littleEndian, toByteOffset: position, as: UInt64.self)
                position += 8
                filled -= 64
                word = filled == 0 ? 0 : number &>> UInt64(bits - filled)
            }
        }
        while filled > 0 {
            output.storeBytes(of: UInt8(truncatingIfNeeded: word), toByteOffset: position, as: UInt8.self)
            (word, position, filled) = (word >> 8, position + 1, filled - 8)
        }
    }

    /// - Parameter input: `byteCount` bytes.
    public static func unpack(
        _ input: UnsafeRawPointer, count: Int, bits: Int, into numbers: UnsafeMutablePointer<UInt64>
    ) {
        let mask = (1 as UInt64) << UInt64(bits) - 1
        let length = byteCount(count, bits: bits)
        for i in 0..<count {
            let bit = i * bits
            let (byte, shift) = (bit >> 3, bit & 7)
            if byte + 9 <= length {
                let low = UInt64(littleEndian: input.loadUnaligned(fromByteOffset: byte, as: UInt64.self))
                let high = UInt64(input.load(fromByteOffset: byte + 8, as: UInt8.self))
                numbers[i] = (low &>> UInt64(shift) | (high << 1) &<< UInt64(63 - shift)) & mask
            } else {
                var number: UInt64 = 0
                for k in byte..<min(length, (bit + bits + 7) >> 3) {
                    let part = UInt64(input.load(fromByteOffset: k, as: UInt8.self))
                    let place = 8 * (k - byte) - shift
                    number |= place < 0 ? part >> UInt64(-place) : part << UInt64(place)
                }
                numbers[i] = number & mask
            }
        }
    }
}
