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

/// Files that are there whole or not at all, with the permissions they must have from their first byte on.
enum DurableFile {
    /// Who may do what with a file.
    enum Mode {
        /// Everyone may read it.
        case everyone
        case script
        /// For keys, tokens, and what tells of them.
        case secret

        var bits: mode_t {
            switch self {
            case .everyone: 0o644
            case .script: 0o755
            case .secret: 0o600
            }
        }
    }

    static func write(_ text: String, to url: URL, mode: Mode = .everyone) throws {
        try write(Data(text.utf8), to: url, mode: mode)
    }

    /// Writes under a temporary name; the file takes its name when all of it is on the disk.
    static func write(_ data: Data, to url: URL, mode: Mode = .everyone) throws {
        let partial = url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).part")
        unlink(partial.path)
        do {
            let file = try OpenFile(partial, O_WRONLY | O_CREAT | O_EXCL, mode: mode.bits)
            try file.setMode(mode.bits)  // the umask may have taken rights away
            try file.append(data)
            try file.reachDisk()
            try self.rename(partial, to: url)
        } catch {
            unlink(partial.path)
            throw error
        }
    }

    /// Gives a file or folder another name, durably.
    static func rename(_ url: URL, to other: URL) throws {
        guard systemRename(url.path, other.path) == 0 else { throw failure(other) }
        try OpenFile(other.deletingLastPathComponent(), O_RDONLY | O_DIRECTORY).reachDisk()
    }

    /// Makes a folder, and those above it; one that is there is left as it is.
    static func makeFolder(_ url: URL, forOwnerOnly: Bool = false) throws {
        guard !exists(url) else { return }
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw ProvisioningError.file(url.path, reason: "the folder cannot be made; look at permissions above it")
        }
        guard !forOwnerOnly || chmod(url.path, 0o700) == 0 else { throw failure(url) }
    }

    /// Reads a file that must be there.
    static func read(_ url: URL, upTo most: Int = 1 << 20) throws -> Data {
        let data = try OpenFile(url, O_RDONLY).readAll(upTo: most)
        guard data.count <= most else {
            throw ProvisioningError.file(
                url.lastPathComponent, reason: "is larger than \(most) bytes; is it the right file?")
        }
        return data
    }

    /// - Throws: `ProvisioningError.key` where others than the owner may read the file.
    static func checkIsSecret(_ url: URL) throws {
        var facts = stat()
        guard stat(url.path, &facts) == 0 else { throw failure(url) }
        guard facts.st_mode & 0o077 == 0 else {
            throw ProvisioningError.key(
                "\(url.lastPathComponent) can be read by others than its owner: chmod 600 \(url.path)")
        }
    }

    static func exists(_ url: URL) -> Bool { access(url.path, F_OK) == 0 }

    static func failure(_ url: URL) -> ProvisioningError {
        .file(url.path, reason: String(cString: strerror(errno)))
    }
}

private func systemRename(_ old: String, _ new: String) -> Int32 { rename(old, new) }
