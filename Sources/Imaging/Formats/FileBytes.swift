#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
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
            throw ImagingError.file(url.lastPathComponent, reason: "there is no such file in \(url.deletingLastPathComponent().path)")
        }
        guard let data = try? Data(contentsOf: url) else {
            throw ImagingError.file(url.lastPathComponent, reason: "cannot be read. Is it a folder, or protected?")
        }
        return [UInt8](data)
    }

    /// Writes under a temporary name in the same folder and renames when whole.
    package static func write(_ bytes: [UInt8], to url: URL) throws {
        do {
            try Data(bytes).write(to: url, options: .atomic)
        } catch {
            throw ImagingError.file(url.lastPathComponent, reason: "cannot be written to \(url.deletingLastPathComponent().path). Is the disk full, or the folder missing or read-only?")
        }
    }
}
