import Federation

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

/// A file that only grows. What `append` was given is on the disk when it returns.
struct AppendedFile: Sendable {
    let url: URL

    /// Adds the bytes at the end; the file is made where there is none.
    func append(_ bytes: [UInt8]) throws {
        let descriptor = open(url.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw fault() }
        defer { close(descriptor) }
        try bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let put = write(descriptor, buffer.baseAddress! + done, buffer.count - done)
                if put < 0 && errno == EINTR { continue }
                guard put > 0 else { throw fault() }
                done += put
            }
        }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw fault() }  // a pipe cannot be synchronised
    }

    private func fault() -> any Error {
        let number = errno
        if number == ENOSPC || number == EDQUOT { return FederationError.fullDisk(url.lastPathComponent) }
        return StudyError.file(url.lastPathComponent, reason: "cannot be written: \(String(cString: strerror(number)))")
    }
}
