import CDeflate

/// DEFLATE (RFC 1951) in its three wrappers, through libdeflate.
public enum Deflate: Sendable {
    /// gzip (RFC 1952), zlib (RFC 1950) or bare.
    public enum Wrapper: Sendable { case gzip, zlib, none }

    /// No file is inflated beyond this, whatever it promises.
    public static let limit = 1 << 36

    /// Inflates everything: for gzip all members, one after the other.
    ///
    /// - Parameters:
    ///   - expected: the size, where it is known; a wrong one costs time only.
    ///   - name: what an error calls the data.
    public static func inflate(
        _ bytes: UnsafeRawBufferPointer, _ wrapper: Wrapper, expected: Int? = nil, name: String
    ) throws -> [UInt8] {
        guard let decompressor = libdeflate_alloc_decompressor() else {
            throw ImagingError.file(name, reason: "memory ran out")
        }
        defer { libdeflate_free_decompressor(decompressor) }
        var result: [UInt8] = []
        var rest = bytes
        repeat {
            let (member, used) = try inflateMember(rest, wrapper, decompressor, expected: expected, name: name)
            if result.isEmpty { result = member } else { result += member }
            rest = UnsafeRawBufferPointer(rebasing: rest[used...])
        } while wrapper == .gzip && rest.count >= 18 && rest[0] == 0x1f && rest[1] == 0x8b
        return result
    }

    /// The beginning of what gzip holds, from the beginning of its bytes: at least `count` bytes where they come out of
    /// what is given, and zeros behind whatever does come out. To look at a header; nothing is checked.
    static func inflateBeginning(_ bytes: UnsafeRawBufferPointer, count: Int) -> [UInt8] {
        // libdeflate writes in order and stops where space or input ends; what a block that is stored as it is (65,535
        // bytes at most) has no room for is not begun.
        var result = [UInt8](repeating: 0, count: count + 65_536)
        guard let decompressor = libdeflate_alloc_decompressor() else { return result }
        defer { libdeflate_free_decompressor(decompressor) }
        var produced = 0
        _ = result.withUnsafeMutableBytes {
            libdeflate_gzip_decompress(
                decompressor, bytes.baseAddress, bytes.count, $0.baseAddress, $0.count, &produced)
        }
        return result
    }

    private static func inflateMember(
        _ bytes: UnsafeRawBufferPointer, _ wrapper: Wrapper, _ decompressor: OpaquePointer, expected: Int?, name: String
    ) throws -> ([UInt8], Int) {
        guard let base = bytes.baseAddress else {
            throw ImagingError.damaged(name, reason: "there is nothing to decompress")
        }
        // gzip ends with its size modulo 2^32, which is right for a single member below 4 GiB.
        var capacity = expected ?? bytes.count * 4
        if expected == nil, wrapper == .gzip, bytes.count >= 18 {
            let size = Int(UInt32(littleEndian: (bytes.baseAddress! + bytes.count - 4).loadUnaligned(as: UInt32.self)))
            if size / 1100 <= bytes.count { capacity = size }
        }
        capacity = max(capacity, 64)
        while capacity <= limit {
            var used = 0
            var produced = 0
            var status = LIBDEFLATE_SUCCESS
            let output = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, initialized in
                switch wrapper {
                case .gzip:
                    status = libdeflate_gzip_decompress_ex(
                        decompressor, base, bytes.count, buffer.baseAddress, capacity, &used, &produced)
                case .zlib:
                    status = libdeflate_zlib_decompress_ex(
                        decompressor, base, bytes.count, buffer.baseAddress, capacity, &used, &produced)
                case .none:
                    status = libdeflate_deflate_decompress_ex(
                        decompressor, base, bytes.count, buffer.baseAddress, capacity, &used, &produced)
                }
                initialized = status == LIBDEFLATE_SUCCESS ? produced : 0
            }
            if status == LIBDEFLATE_SUCCESS { return (output, used) }
            guard status == LIBDEFLATE_INSUFFICIENT_SPACE else { break }
            capacity *= 2
        }
        throw ImagingError.damaged(
            name, reason: "its compressed data ends too early or is broken. Copy the file again from its source.")
    }

    /// Compresses; `level` from 1 (fast) to 12 (small).
    public static func deflate(_ bytes: UnsafeRawBufferPointer, _ wrapper: Wrapper, level: Int32 = 6) -> [UInt8] {
        guard let compressor = libdeflate_alloc_compressor(level) else {
            preconditionFailure("libdeflate has no level \(level)")
        }
        defer { libdeflate_free_compressor(compressor) }
        let bound: Int
        switch wrapper {
        case .gzip: bound = libdeflate_gzip_compress_bound(compressor, bytes.count)
        case .zlib: bound = libdeflate_zlib_compress_bound(compressor, bytes.count)
        case .none: bound = libdeflate_deflate_compress_bound(compressor, bytes.count)
        }
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, initialized in
            switch wrapper {
            case .gzip:
                initialized = libdeflate_gzip_compress(
                    compressor, bytes.baseAddress, bytes.count, buffer.baseAddress, bound)
            case .zlib:
                initialized = libdeflate_zlib_compress(
                    compressor, bytes.baseAddress, bytes.count, buffer.baseAddress, bound)
            case .none:
                initialized = libdeflate_deflate_compress(
                    compressor, bytes.baseAddress, bytes.count, buffer.baseAddress, bound)
            }
        }
    }

    /// CRC-32 as zip and gzip use it.
    public static func crc32(_ bytes: UnsafeRawBufferPointer, from previous: UInt32 = 0) -> UInt32 {
        libdeflate_crc32(previous, bytes.baseAddress, bytes.count)
    }
}
