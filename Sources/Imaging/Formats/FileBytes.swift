#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whole files in and out.
package enum FileBytes {
    /// The content of a file; gzip is undone where the name ends in `.gz`.
    package static func read(_ url: URL) throws -> [UInt8] {
        let raw = try readRaw(url)
        guard url.pathExtension.lowercased() == "gz" else { return raw }
        return try raw.withUnsafeBytes { try Deflate.inflate($0, .gzip, name: url.lastPathComponent) }
    }

    package static func readRaw(_ url: URL) throws -> [UInt8] {
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw ImagingError.file(
                url.lastPathComponent, reason: "there is no such file in \(url.deletingLastPathComponent().path)")
        }
        guard let data = try? Data(contentsOf: url) else {
            throw ImagingError.file(url.lastPathComponent, reason: "cannot be read. Is it a folder, or protected?")
        }
        return [UInt8](data)
    }

    /// The first bytes of a file, at most so many; gzip is undone where the name ends in `.gz`, and zeros stand behind
    /// what comes out of it.
    static func readBeginning(_ url: URL, count: Int = 16_384) throws -> [UInt8] {
        guard let file = fopen(url.path, "rb") else { return try readRaw(url) }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { $1 = fread($0.baseAddress, 1, count, file) }
        guard url.pathExtension.lowercased() == "gz" else { return bytes }
        return bytes.withUnsafeBytes { Deflate.inflateBeginning($0, count: count) }
    }

    /// Writes under a temporary name in the same folder and renames when whole.
    package static func write(_ bytes: [UInt8], to url: URL) throws {
        do {
            try Data(bytes).write(to: url, options: .atomic)
        } catch {
            throw ImagingError.file(
                url.lastPathComponent,
                reason:
                    "cannot be written to \(url.deletingLastPathComponent().path). Is the disk full, or the folder missing or read-only?"
            )
        }
    }
}
