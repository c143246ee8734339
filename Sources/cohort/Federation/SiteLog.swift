import Provisioning
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

/// A site's own log: what happened there in full, names of cases included. It stays at the site.
final class SiteLog: Sendable {
    private let path: String
    private let writing = Mutex(())

    init(_ url: URL) { path = url.path }

    /// The same for lines without which the work goes on.
    func write(_ line: String) { try? append(line) }

    /// Adds a line, whole or not at all, whoever else adds to the file.
    ///
    /// - Throws: `ProvisioningError.file`.
    func append(_ line: String) throws {
        try writing.withLock { _ in
            let folder = URL(filePath: path).deletingLastPathComponent()
            try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
            guard file >= 0 else { throw failure }
            defer { close(file) }
            // Another process that adds a line waits, so what is cut off below is this line alone.
            while flock(file, LOCK_EX) != 0 {
                guard errno == EINTR else { throw failure }
            }
            let end = lseek(file, 0, SEEK_END)
            let bytes = Array((line + "\n").utf8)
            let put = systemWrite(file, bytes)
            guard put == bytes.count else {
                guard put >= 0 else { throw failure }
                _ = ftruncate(file, end)
                throw ProvisioningError.file(path, reason: "not all of a line could be written; make room on the disk")
            }
        }
    }

    private var failure: ProvisioningError { .file(path, reason: String(cString: strerror(errno))) }
}

/// One call, begun again only where nothing was written yet.
private func systemWrite(_ file: Int32, _ bytes: [UInt8]) -> Int {
    while true {
        let put = write(file, bytes, bytes.count)
        if put < 0, errno == EINTR { continue }
        return put
    }
}
