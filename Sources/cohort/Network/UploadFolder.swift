import Crypto
import Federation
import Fleet

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

/// Files that administrators have sent for runs that they are about to hand in, by their hash. Empty when a server begins.
struct UploadFolder: Sendable {
    /// Bytes of one file: an app bundle, or a model.
    static let largestFile: Int64 = 4 << 30

    private let folder: URL

    init(_ folder: URL) throws {
        self.folder = folder
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Takes a file as it comes.
    ///
    /// - Returns: its SHA-256, in hexadecimal digits.
    func take(_ body: RequestBody) async throws -> String {
        let partial = folder.appending(path: UUID().uuidString)
        do {
            let file = try DurableFile(partial, flags: O_WRONLY | O_CREAT | O_EXCL)
            var hash = SHA256()
            for try await bytes in body {
                hash.update(data: bytes)
                try bytes.withUnsafeBytes { try file.write($0) }
            }
            try file.reachDisk()
            let name = hash.finalize().map { byte in
                let digits = String(byte, radix: 16)
                return digits.count < 2 ? "0" + digits : digits
            }.joined()
            try DurableFile.rename(partial, to: folder.appending(path: name))
            return name
        } catch {
            try? FileManager.default.removeItem(at: partial)
            throw error
        }
    }

    /// A file that was taken; nil where there is none of this hash.
    func file(_ hash: String) -> URL? {
        guard hash.utf8.count == 64, hash.allSatisfy(\.isHexDigit) else { return nil }
        let url = folder.appending(path: hash)
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }
}
