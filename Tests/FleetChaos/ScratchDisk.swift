import Foundation

/// A small disk in memory that can be filled; mounting one needs root's rights on Linux.
struct ScratchDisk {
    let folder: URL
    private var ballast: URL { folder.appending(path: "ballast") }

    /// Whether this process may mount one.
    static let isAllowed: Bool = {
        let folder = FileManager.default.temporaryDirectory.appending(path: "fleet-chaos-disk-\(getpid())")
        guard let disk = try? ScratchDisk(folder, bytes: 1 << 20) else { return false }
        disk.unmount()
        try? FileManager.default.removeItem(at: folder)
        return true
    }()

    init(_ folder: URL, bytes: Int) throws {
        self.folder = folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=\(bytes)") == 0 else { throw POSIXError(.EPERM) }
    }

    /// Leaves so many bytes.
    func fill(leaving free: Int) {
        var status = statvfs()
        guard statvfs(folder.path, &status) == 0 else { return }
        let taken = max(0, Int(status.f_bavail) * Int(status.f_frsize) - free)
        let file = open(ballast.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        posix_fallocate(file, 0, taken)
        close(file)
    }

    func empty() { unlink(ballast.path) }

    func unmount() { umount2(folder.path, Int32(MNT_DETACH)) }
}
