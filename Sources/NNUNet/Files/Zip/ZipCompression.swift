import CDeflate

/// Deflate and CRC-32 for zip entries, by libdeflate.
enum ZipCompression {
    static func crc32(_ buffer: UnsafeRawBufferPointer) -> UInt32 {
        libdeflate_crc32(0, buffer.baseAddress, buffer.count)
    }

    static func crc32(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { crc32($0) } }

    /// The raw deflate stream of `bytes`, or nil where it would not be smaller.
    static func deflate(_ bytes: [UInt8], level: Int32 = 6) -> [UInt8]? {
        guard let compressor = libdeflate_alloc_compressor(level) else { return nil }
        defer { libdeflate_free_compressor(compressor) }
        let packed = [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, initialized in
            initialized = libdeflate_deflate_compress(
                compressor, bytes, bytes.count, buffer.baseAddress, buffer.count)
        }
        return packed.isEmpty ? nil : packed
    }

    /// Unpacks a raw deflate stream that must give exactly `count` bytes; nil where it does not.
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
