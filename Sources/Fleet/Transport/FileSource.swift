import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file, or a part of one, read as it is sent. The file is held open and must not change meanwhile.
public final class FileSource: ByteSource {
    private let descriptor: Int32
    private let start: Int64
    private let name: String
    public let length: Int64

    /// - Parameter range: the part; nil for all of it.
    public init(path: String, range: Range<Int64>? = nil) throws {
        name = path.split(separator: "/").last.map(String.init) ?? path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSourceError(file: name, reason: String(cString: strerror(errno))) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw FileSourceError(file: name, reason: "it is not a file")
        }
        let part = range ?? 0..<Int64(status.st_size)
        guard part.lowerBound >= 0, part.upperBound <= status.st_size else {
            close(descriptor)
            throw FileSourceError(file: name, reason: "it has \(status.st_size) bytes, and \(part) were asked for")
        }
        (start, length) = (part.lowerBound, Int64(part.count))
    }

    deinit { close(descriptor) }

    /// Off the pool of Swift's threads, since a disk can be slow.
    public func read(_ range: Range<Int64>) async throws -> [UInt8] {
        try await NIOThreadPool.singleton.runIfActive { try self.readNow(range) }
    }

    private func readNow(_ range: Range<Int64>) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                let got = pread(
                    descriptor, rest.baseAddress, range.count - count, off_t(start + range.lowerBound) + count)
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    throw FileSourceError(
                        file: name, reason: got == 0 ? "it became shorter" : String(cString: strerror(errno)))
                }
                count += got
            }
        }
    }
}

/// A file that is to be sent and cannot be read.
public struct FileSourceError: Error, CustomStringConvertible, Equatable {
    public let file: String
    public let reason: String
    public var description: String { "\(file) cannot be read: \(reason)." }
}
