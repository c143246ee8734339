import CTIFF

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// TIFF 6.0 through libtiff: flat images and stacks of pages.
enum TIFF {
    static func read(_ url: URL) throws -> StoredImage {
        let name = url.lastPathComponent
        _ = try FileBytes.readRaw(url)
        TIFFSetErrorHandler(nil)
        TIFFSetWarningHandler(nil)
        guard let file = TIFFOpen(url.path, "r") else { throw ImagingError.damaged(name, reason: "it is no TIFF file") }
        defer { TIFFClose(file) }
        func field<T: FixedWidthInteger>(_ tag: Int32, _ standard: T) -> Int {
            var value = standard
            _ = withUnsafeMutablePointer(to: &value) { pointer in
                withVaList([pointer]) { TIFFVGetFieldDefaulted(file, UInt32(tag), $0) }
            }
            return Int(value)
        }
        var pages: [Float] = []
        var shape: (width: Int, height: Int, components: Int, type: PixelType)?
        var depth = 0
        repeat {
            let width = field(TIFFTAG_IMAGEWIDTH, UInt32(0))
            let height = field(TIFFTAG_IMAGELENGTH, UInt32(0))
            let components = field(TIFFTAG_SAMPLESPERPIXEL, UInt16(1))
            let bits = field(TIFFTAG_BITSPERSAMPLE, UInt16(1))
            let format = field(TIFFTAG_SAMPLEFORMAT, UInt16(1))
            guard let type = type(bits: bits, format: format), (1...16).contains(components),
                field(TIFFTAG_PLANARCONFIG, UInt16(1)) == 1, TIFFIsTiled(file) == 0
            else {
                throw ImagingError.unsupported(
                    name,
                    reason:
                        "its pages have \(components)×\(bits) bits of format \(format), or tiles or planes, which are not read. Save it as plain 8-, 16- or 32-bit TIFF."
                )
            }
            if let shape, shape != (width, height, components, type) {
                throw ImagingError.unsupported(name, reason: "its pages differ in size or type")
            }
            shape = (width, height, components, type)
            let count = try StoredImage.count([width, height], components: components, name: name)
            let rowBytes = width * components * type.size
            guard Int(TIFFScanlineSize64(file)) == rowBytes else {
                throw ImagingError.damaged(name, reason: "its rows do not have the size that its header gives")
            }
            var bytes = [UInt8](repeating: 0, count: rowBytes * height)
            for row in 0..<height {
                let status = bytes.withUnsafeMutableBytes {
                    TIFFReadScanline(file, $0.baseAddress! + row * rowBytes, UInt32(row), 0)
                }
                guard status == 1 else {
                    throw ImagingError.damaged(name, reason: "page \(depth + 1) ends at row \(row) of \(height)")
                }
            }
            // libtiff hands out numbers in this machine's byte order, which is little-endian on all that Cohort runs on.
            pages += bytes.withUnsafeBytes { type.floats($0, count: count, bigEndian: false) }
            depth += 1
            guard pages.count < 1 << 34 else { throw ImagingError.unsupported(name, reason: "it is too large") }
        } while TIFFReadDirectory(file) == 1
        guard let shape else { throw ImagingError.damaged(name, reason: "it has no pages") }
        let size = [shape.width, shape.height] + (depth > 1 ? [depth] : [])
        return StoredImage(
            format: "TIFF", pixelType: shape.type, size: size, components: shape.components, values: pages,
            spacing: size.map { _ in 1 }, origin: size.map { _ in 0 },
            direction: (0..<size.count * size.count).map { $0 / size.count == $0 % size.count ? 1 : 0 })
    }

    private static func type(bits: Int, format: Int) -> PixelType? {
        switch (format, bits) {
        case (1, 8): .uint8
        case (1, 16): .uint16
        case (1, 32): .uint32
        case (2, 8): .int8
        case (2, 16): .int16
        case (2, 32): .int32
        case (3, 32): .float32
        case (3, 64): .float64
        default: nil
        }
    }

    /// Writes pages of grey, compressed: 8 bits where every value is below 255, as nnU-Net does it, else 16.
    static func write(_ values: [UInt16], width: Int, height: Int, pages: Int, to url: URL) throws {
        let temporary = url.deletingLastPathComponent().appending(
            path: ".\(url.lastPathComponent).\(UInt64.random(in: 0 ... .max))")
        func fail() -> ImagingError {
            .file(url.lastPathComponent, reason: "cannot be written. Is the disk full, or the folder read-only?")
        }
        guard let file = TIFFOpen(temporary.path, "w") else { throw fail() }
        defer { try? FileManager.default.removeItem(at: temporary) }
        let isWide = values.contains { $0 >= 255 }
        func set(_ tag: Int32, _ value: Int) {
            _ = withVaList([UInt32(value)]) { TIFFVSetField(file, UInt32(tag), $0) }
        }
        var isWhole = true
        for page in 0..<pages {
            set(TIFFTAG_IMAGEWIDTH, width)
            set(TIFFTAG_IMAGELENGTH, height)
            set(TIFFTAG_BITSPERSAMPLE, isWide ? 16 : 8)
            set(TIFFTAG_SAMPLESPERPIXEL, 1)
            set(TIFFTAG_PHOTOMETRIC, Int(PHOTOMETRIC_MINISBLACK))
            set(TIFFTAG_COMPRESSION, Int(COMPRESSION_ADOBE_DEFLATE))
            set(TIFFTAG_ROWSPERSTRIP, height)
            for row in 0..<height {
                var line = Array(values[(page * height + row) * width..<(page * height + row + 1) * width])
                if isWide {
                    isWhole = isWhole && TIFFWriteScanline(file, &line, UInt32(row), 0) == 1
                } else {
                    var bytes = line.map { UInt8($0) }
                    isWhole = isWhole && TIFFWriteScanline(file, &bytes, UInt32(row), 0) == 1
                }
            }
            isWhole = isWhole && TIFFWriteDirectory(file) == 1
        }
        TIFFClose(file)
        guard isWhole else { throw fail() }
        _ = try? FileManager.default.removeItem(at: url)
        do { try FileManager.default.moveItem(at: temporary, to: url) } catch { throw fail() }
    }
}

/// The `{case}.json` beside a TIFF stack that gives its spacing.
package enum TIFFSpacing {
    package static func sidecar(_ file: URL) -> URL {
        var stem = file.deletingPathExtension().lastPathComponent
        let channel = stem.suffix(5)
        if channel.first == "_", channel.dropFirst().allSatisfy(\.isNumber) { stem = String(stem.dropLast(5)) }
        return file.deletingLastPathComponent().appending(path: stem + ".json")
    }

    private struct Content: Codable { var spacing: [Double] }

    static func read(besides file: URL) throws -> [Double]? {
        let url = sidecar(file)
        guard let data = try? Data(contentsOf: url) else { return nil }
        guard let content = try? JSONDecoder().decode(Content.self, from: data), content.spacing.count == 3 else {
            throw ImagingError.damaged(url.lastPathComponent, reason: "it must hold {\"spacing\": [z, y, x]}")
        }
        return content.spacing
    }

    static func write(_ spacing: [Double], besides file: URL) throws {
        try FileBytes.write([UInt8](JSONEncoder().encode(Content(spacing: spacing))), to: sidecar(file))
    }
}
