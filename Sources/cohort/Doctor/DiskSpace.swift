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

/// The room on the disk of a folder, or of the one that it will be made in.
struct DiskSpace {
    let folder: URL
    /// Bytes that a program without special rights can use.
    let free: Int

    init(at url: URL) throws {
        var folder = url.standardizedFileURL
        while !FileManager.default.fileExists(atPath: folder.path), folder.path != "/" {
            folder = folder.deletingLastPathComponent()
        }
        var facts = statvfs()
        guard statvfs(folder.path, &facts) == 0 else {
            throw DiskFault(
                text: "\(folder.path): \(String(cString: strerror(errno))). Name another folder with --folder")
        }
        self.folder = folder
        free = Int(facts.f_bavail) * Int(facts.f_frsize)
    }

    /// Writes a megabyte to the disk itself, and takes it away again.
    func tryWriting() throws {
        let file = folder.appending(path: ".cohort-doctor.\(getpid())").path
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fault(errno) }
        defer {
            close(descriptor)
            unlink(file)
        }
        let bytes = [UInt8](repeating: 1, count: 1 << 20)
        let written = write(descriptor, bytes, bytes.count)
        // A disk takes less than it is given when it is full.
        guard written == bytes.count else { throw fault(written < 0 ? errno : ENOSPC) }
        guard fsync(descriptor) == 0 else { throw fault(errno) }
    }

    private func fault(_ code: Int32) -> DiskFault {
        DiskFault(
            text:
                "Nothing can be written to \(folder.path): \(String(cString: strerror(code))). Make room or give this "
                + "user the right to write, or name another folder with --folder")
    }
}

/// What is wrong with a disk, and what to do.
struct DiskFault: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}
