import CPNG

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// PNG (ISO/IEC 15948) through libpng.
public enum PNG {
    static func read(_ url: URL) throws -> StoredImage {
        let name = url.lastPathComponent
        let bytes = try FileBytes.readRaw(url)
        var image = cpng_image()
        guard cpng_read(bytes, bytes.count, &image) == 1, let pixels = image.pixels else {
            let reason = withUnsafeBytes(of: image.error) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw ImagingError.damaged(name, reason: reason.isEmpty ? "it is no PNG file" : reason)
        }
        defer { free(pixels) }
        let size = [Int(image.width), Int(image.height)]
        let components = Int(image.channels)
        let type: PixelType = image.depth == 16 ? .uint16 : .uint8
        let count = try StoredImage.count(size, components: components, name: name)
        return StoredImage(
            format: "PNG", pixelType: type, size: size, components: components,
            values: type.floats(
                UnsafeRawBufferPointer(start: pixels, count: count * type.size), count: count, bigEndian: false),
            spacing: [1, 1], origin: [0, 0], direction: [1, 0, 0, 1])
    }

    /// Writes 8-bit pixels, row by row from the top: 1 channel grey, 3 RGB, 4 RGB and alpha.
    public static func write(width: Int, height: Int, channels: Int, bytes: [UInt8], to url: URL) throws {
        precondition(bytes.count == width * height * channels && [1, 3, 4].contains(channels))
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        try write(
            cpng_write(bytes, UInt32(width), UInt32(height), Int32(channels), &encoded, &count), encoded, count, to: url
        )
    }

    /// Writes labels as grey: 8 bits where every value is below 255, as nnU-Net does it, else 16.
    static func write(_ labels: [UInt16], width: Int, height: Int, to url: URL) throws {
        guard labels.contains(where: { $0 >= 255 }) else {
            return try write(width: width, height: height, channels: 1, bytes: labels.map { UInt8($0) }, to: url)
        }
        precondition(labels.count == width * height)
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        try write(cpng_write_grey16(labels, UInt32(width), UInt32(height), &encoded, &count), encoded, count, to: url)
    }

    private static func write(_ status: Int32, _ encoded: UnsafeMutablePointer<UInt8>?, _ count: Int, to url: URL)
        throws
    {
        guard status == 1, let encoded else {
            throw ImagingError.file(url.lastPathComponent, reason: "cannot be encoded as PNG")
        }
        defer { free(encoded) }
        try FileBytes.write(Array(UnsafeBufferPointer(start: encoded, count: count)), to: url)
    }
}
