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

/// A descriptor that writes everything or throws, and reaches the disk when asked to.
public final class DurableFile: Sendable {
    private let descriptor: Int32
    private let path: String

    public convenience init(_ url: URL, flags: Int32) throws { try self.init(path: url.path, flags: flags) }

    public init(path: String, flags: Int32) throws {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure(path) }
    }

    deinit { close(descriptor) }

    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done..<min(bytes.count, done + 1 << 30)])
            let put = systemWrite(descriptor, rest.baseAddress, rest.count)
            if put < 0 && errno == EINTR { continue }
            guard put > 0 else { throw Self.failure(path) }
            done += put
        }
    }

    /// Reads exactly `buffer.count` bytes.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < buffer.count {
            let got = pread(
                descriptor, buffer.baseAddress! + done, min(buffer.count - done, 1 << 30), off_t(offset + done))
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw Self.failure(path) }
            guard got > 0 else { throw FederationError.file(path, reason: "it is shorter than it should be") }
            done += got
        }
    }

    func map(_ byteCount: Int) throws -> UnsafeRawBufferPointer {
        guard let start = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
            throw Self.failure(path)
        }
        return UnsafeRawBufferPointer(start: start, count: byteCount)
    }

    /// Where the next bytes are written.
    private func position() throws -> Int {
        let position = lseek(descriptor, 0, SEEK_CUR)
        guard position >= 0 else { throw Self.failure(path) }
        return Int(position)
    }

    /// How long the file is now.
    public func byteCount() throws -> Int {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw Self.failure(path) }
        return Int(facts.st_size)
    }

    /// Keeps other programs that ask for the same away from the file; a file system without locks goes without.
    public func whileLocked<Result>(_ body: () throws -> Result) throws -> Result {
        while flock(descriptor, LOCK_EX) != 0 {
            if errno == EINTR { continue }
            guard [ENOSYS, ENOLCK, ENOTSUP].contains(errno) else { throw Self.failure(path) }
            return try body()
        }
        defer { _ = flock(descriptor, LOCK_UN) }
        return try body()
    }

    public func truncate(to length: Int) throws {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw Self.failure(path) }
    }

    public func reachDisk() throws { guard fsync(descriptor) == 0 else { throw Self.failure(path) } }

    /// Writes under a temporary name; the file takes its name when all of it is on the disk.
    ///
    /// - Parameter spare: a file that nobody needs any more, if it is there. To write over it takes less time than to
    ///   write a new one.
    public static func write(to url: URL, over spare: URL? = nil, _ body: (DurableFile) throws -> Void) throws {
        let partial = url.deletingLastPathComponent().appending(path: "." + url.lastPathComponent + ".part")
        do {
            if let spare { _ = systemRename(spare.path, partial.path) }
            let file = try DurableFile(partial, flags: O_WRONLY | O_CREAT | (spare == nil ? O_TRUNC : 0))
            try body(file)
            if spare != nil { try file.truncate(to: file.position()) }
            try file.reachDisk()
            try rename(partial, to: url)
        } catch {
            unlink(partial.path)
            throw error
        }
    }

    /// Gives a file another name, durably, in place of what had it.
    public static func rename(_ url: URL, to other: URL) throws {
        guard systemRename(url.path, other.path) == 0 else { throw failure(other.path) }
        try DurableFile(other.deletingLastPathComponent(), flags: O_RDONLY | O_DIRECTORY).reachDisk()
    }

    /// What the system's last call on this thread, which failed, has to say.
    public static func failure(_ path: String) -> FederationError {
        let number = errno
        if number == ENOSPC || number == EDQUOT { return .fullDisk(path) }
        return .file(
            path, reason: "\(String(cString: strerror(number))). Check the path, its permissions and the free space.")
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

private func systemRename(_ from: String, _ to: String) -> Int32 { rename(from, to) }
