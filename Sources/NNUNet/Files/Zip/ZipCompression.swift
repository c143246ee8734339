import CDeflate
import Imaging

/// What zip entries need of deflate and CRC-32.
enum ZipCompression {
    static func crc32(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { Deflate.crc32($0) } }

    /// The raw deflate stream of `bytes`, or nil where it is not smaller.
    static func deflate(_ bytes: [UInt8]) -> [UInt8]? {
        let packed = bytes.withUnsafeBytes { Deflate.deflate($0, .none) }
        return packed.count < bytes.count ? packed : nil
    }

    /// Unpacks a raw deflate stream that must give exactly `count` bytes; nil where it does not.
    ///
    /// Not `Deflate.inflate`, which takes as much memory as the stream asks for: a zip says how much it will be.
    static func inflate(_ packed: [UInt8], count: Int) -> [UInt8]? {
        // Deflate cannot pack tighter than 1 to 1032, so a larger promise is refused before memory is taken.
        guard count >= 0, count / 1033 <= packed.count, let decompressor = libdeflate_alloc_decompressor() else {
            return nil
        }
        defer { libdeflate_free_decompressor(decompressor) }
        var whole = false
        let bytes = [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, initialized in
            var produced = 0
            let result = libdeflate_deflate_decompress(
                decompressor, packed, packed.count, buffer.baseAddress, count, &produced)
            whole = result == LIBDEFLATE_SUCCESS && produced == count
            initialized = whole ? count : 0
        }
        return whole ? bytes : nil
    }
}
