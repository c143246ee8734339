import CBlosc2
import Imaging

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

/// A `.b2nd` file: nnU-Net's compressed arrays, through C-Blosc2.
public enum Blosc2Array {
    /// The library's global state, set up once.
    private static let library: Void = blosc2_init()

    /// An element that a `.b2nd` of nnU-Net holds.
    public protocol Element: Sendable, BitwiseCopyable {
        /// NumPy's name of the type.
        static var numpyType: String { get }
    }

    // MARK: Writing

    /// Compresses as nnU-Net does (LZ4HC, level 5, shuffled where that is smaller) and writes the file in one go.
    ///
    /// - Parameter patch: of the configuration, which the layout goes by.
    public static func write<Number: Element>(_ volume: Volume<Number>, patch: [Int], to url: URL) throws {
        let layout = Blosc2Layout(shape: volume.shape, patch: patch, bytesPerElement: MemoryLayout<Number>.size)
        func frame(shuffle: Bool) throws -> [UInt8] {
            try compressed(volume, layout, shuffle: shuffle, name: url.lastPathComponent)
        }
        // nnU-Net tries both filters on the whole chunk in the middle; some slices of it tell as well, at a fraction of the
        // time.
        let sample = centralSlices(volume, layout.chunk)
        let trial = Blosc2Layout(block: zip(layout.block, sample.shape).map { min($0, $1) }, chunk: sample.shape)
        let plain = try compressed(sample, trial, shuffle: false, name: url.lastPathComponent).count
        let shuffled = try compressed(sample, trial, shuffle: true, name: url.lastPathComponent).count
        try AtomicFile.write(frame(shuffle: shuffled < plain), to: url)
    }

    private static func centralSlices<Number>(_ volume: Volume<Number>, _ chunk: [Int]) -> Volume<Number> {
        var size = zip(chunk, volume.shape).map { min($0, $1) }
        size[1] = min(size[1], max(4, size[1] / 8))
        return volume.cropped(
            to: zip(volume.shape, size).map { whole, part in
                let start = (whole - part) / 2
                return start..<start + part
            })
    }

    private static func compressed<Number: Element>(
        _ volume: Volume<Number>, _ layout: Blosc2Layout, shuffle: Bool, name: String
    ) throws -> [UInt8] {
        _ = library
        var parameters = blosc2_get_blosc2_cparams_defaults()
        parameters.compcode = UInt8(BLOSC_LZ4HC)
        parameters.clevel = 5
        parameters.typesize = Int32(MemoryLayout<Number>.size)
        parameters.nthreads = 1
        parameters.splitmode = Int32(BLOSC_AUTO_SPLIT)
        withUnsafeMutableBytes(of: &parameters.filters) { filters in
            for i in filters.indices { filters[i] = 0 }
            filters[0] = shuffle ? UInt8(BLOSC_SHUFFLE) : UInt8(BLOSC_NOFILTER)
        }
        return try withUnsafeMutablePointer(to: &parameters) { parameters in
            var decompression = blosc2_get_blosc2_dparams_defaults()
            return try withUnsafeMutablePointer(to: &decompression) { decompression in
                var storage = blosc2_get_blosc2_storage_defaults()
                storage.contiguous = true
                storage.cparams = parameters
                storage.dparams = decompression
                let shape = volume.shape.map(Int64.init)
                let context = b2nd_create_ctx(
                    &storage, Int8(volume.rank), shape, layout.chunk.map(Int32.init), layout.block.map(Int32.init),
                    Number.numpyType, 0, nil, 0)
                guard let context else { throw FileError.cannotWrite(file: name, reason: "Blosc2 has no memory") }
                defer { b2nd_free_ctx(context) }
                var array: UnsafeMutablePointer<b2nd_array_t>?
                let status = volume.elements.withUnsafeBytes {
                    b2nd_from_cbuffer(context, &array, $0.baseAddress, Int64($0.count))
                }
                guard status >= 0, let array else {
                    throw FileError.cannotWrite(file: name, reason: "Blosc2 cannot compress it (\(status))")
                }
                defer { b2nd_free(array) }
                var frame: UnsafeMutablePointer<UInt8>?
                var length: Int64 = 0
                var needsFree = false
                guard b2nd_to_cframe(array, &frame, &length, &needsFree) >= 0, let frame else {
                    throw FileError.cannotWrite(file: name, reason: "Blosc2 cannot lay it out")
                }
                defer { if needsFree { free(frame) } }
                return Array(UnsafeBufferPointer(start: frame, count: Int(length)))
            }
        }
    }

    // MARK: Reading

    /// The shape of a file's array.
    public static func shape(of url: URL) throws -> [Int] { try opened(url) { shape($0) } }

    /// The whole array.
    public static func read<Number: Element>(_ url: URL, as type: Number.Type = Number.self) throws -> Volume<Number> {
        try opened(url) { array in try read(array, shape(array).map { 0..<$0 }, url) }
    }

    /// A box of the array; its ranges must lie inside.
    public static func read<Number: Element>(_ url: URL, box: [Range<Int>], as type: Number.Type = Number.self) throws
        -> Volume<Number>
    {
        try opened(url) { array in
            guard box.count == shape(array).count,
                zip(box, shape(array)).allSatisfy({ $0.lowerBound >= 0 && $0.upperBound <= $1 })
            else {
                throw FileError.unexpectedContent(
                    file: url.path, fact: "it has a shape of \(shape(array)), and \(box) is not inside")
            }
            return try read(array, box, url)
        }
    }

    private static func shape(_ array: UnsafeMutablePointer<b2nd_array_t>) -> [Int] {
        withUnsafeBytes(of: array.pointee.shape) { raw in
            raw.bindMemory(to: Int64.self).prefix(Int(array.pointee.ndim)).map(Int.init)
        }
    }

    private static func opened<Result>(_ url: URL, _ body: (UnsafeMutablePointer<b2nd_array_t>) throws -> Result) throws
        -> Result
    {
        _ = library
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw FileError.cannotRead(file: url.path, reason: "there is no such file")
        }
        var array: UnsafeMutablePointer<b2nd_array_t>?
        guard b2nd_open(url.path, &array) >= 0, let array else {
            throw FileError.malformed(file: url.path, fact: "Blosc2 cannot open it")
        }
        defer { b2nd_free(array) }
        return try body(array)
    }

    private static func read<Number: Element>(
        _ array: UnsafeMutablePointer<b2nd_array_t>, _ box: [Range<Int>], _ url: URL
    ) throws -> Volume<Number> {
        let type = array.pointee.dtype.map { String(cString: $0) } ?? "?"
        guard type == Number.numpyType else {
            throw FileError.unexpectedContent(file: url.path, fact: "its numbers are \(type), not \(Number.numpyType)")
        }
        let size = box.map(\.count)
        let count = size.reduce(1, *)
        guard count < 1 << 34 else {
            throw FileError.malformed(file: url.path, fact: "it promises an impossible size, \(size)")
        }
        return try Volume(
            shape: size,
            unsafeUninitialized: { out in
                guard !out.isEmpty else { return }
                let bytes = Int64(count * MemoryLayout<Number>.size)
                let status = b2nd_get_slice_cbuffer(
                    array, box.map { Int64($0.lowerBound) }, box.map { Int64($0.upperBound) }, out.baseAddress,
                    size.map(Int64.init), bytes)
                guard status >= 0 else {
                    throw FileError.malformed(file: url.path, fact: "its compressed data is broken (\(status))")
                }
            })
    }
}

extension Float: Blosc2Array.Element { public static var numpyType: String { "<f4" } }
extension Int16: Blosc2Array.Element { public static var numpyType: String { "<i2" } }
