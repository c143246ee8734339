import Crypto
import Federation
import Fleet
import Synchronization

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
///
/// They are not kept long: those older than an hour go when another comes, and the oldest where there is no more room.
final class UploadFolder: Sendable {
    /// Bytes of one file: an app bundle, or a model.
    static let largestFile: Int64 = 4 << 30
    /// Bytes of all files.
    private static let mostBytes: Int64 = 16 << 30
    private static let mostFiles = 64
    private static let longestStay = 3600.0

    private let folder: URL
    /// Held while room is made for a file and the file is begun.
    private let making = Mutex(())

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
            let file = try making.withLock { _ in
                try makeRoom()
                return try DurableFile(partial, flags: O_WRONLY | O_CREAT | O_EXCL)
            }
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

    /// - Throws: `Refusal` where the files that are coming may take all the room.
    private func makeRoom() throws {
        var whole: [(url: URL, byteCount: Int64, date: Date)] = []
        var (bytes, count) = (Self.largestFile, 1)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let url = folder.appending(path: name)
            guard let facts = try? FileManager.default.attributesOfItem(atPath: url.path),
                let size = facts[.size] as? Int, let date = facts[.modificationDate] as? Date
            else { continue }
            let isOld = Date().timeIntervalSince(date) > Self.longestStay
            // One that is coming may become as long as any.
            let byteCount = name.utf8.count == 64 ? Int64(size) : Self.largestFile
            if isOld {
                try FileManager.default.removeItem(at: url)
                continue
            }
            if name.utf8.count == 64 { whole.append((url, byteCount, date)) }
            bytes += byteCount
            count += 1
        }
        for file in whole.sorted(by: { $0.date < $1.date }) where bytes > Self.mostBytes || count > Self.mostFiles {
            try FileManager.default.removeItem(at: file.url)
            bytes -= file.byteCount
            count -= 1
        }
        guard bytes <= Self.mostBytes, count <= Self.mostFiles else {
            throw Refusal(status: 503, detail: "Too many files are being sent at once. Try again in a while.")
        }
    }

    /// A file that was taken; nil where there is none of this hash.
    func file(_ hash: String) -> URL? {
        guard hash.utf8.count == 64, hash.allSatisfy(\.isHexDigit) else { return nil }
        let url = folder.appending(path: hash)
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }
}
