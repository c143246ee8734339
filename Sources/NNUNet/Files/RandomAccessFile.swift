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

/// A file that is open for reading at any position, from any thread.
///
/// It is not mapped: a file that another process cuts short is then an error and not a crash.
final class RandomAccessFile: Sendable {
    let path: String
    let count: Int
    private let descriptor: Int32

    init(_ url: URL) throws {
        path = url.path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError.cannotRead(file: path, reason: lastSystemError()) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw FileError.cannotRead(file: path, reason: "it is not a regular file")
        }
        count = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Fills `buffer` from `offset` on; a file that ends earlier is an error.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        guard offset >= 0, offset <= count, buffer.count <= count - offset else {
            throw FileError.malformed(
                file: path, fact: "\(buffer.count) bytes are announced at \(offset), and the file has \(count)")
        }
        var done = 0
        while done < buffer.count {
            let got = pread(descriptor, buffer.baseAddress! + done, min(buffer.count - done, 1 << 30), offset + done)
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else {
                let reason =
                    got == 0 ? "it ends at \(offset + done), earlier than when it was opened" : lastSystemError()
                throw FileError.cannotRead(file: path, reason: reason)
            }
            done += got
        }
    }

    /// `length` bytes at `offset`; the length is checked against the file's before memory is taken.
    func bytes(at offset: Int, count length: Int) throws -> [UInt8] {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
            throw FileError.malformed(
                file: path, fact: "\(length) bytes are announced at \(offset), and the file has \(count)")
        }
        return try [UInt8](unsafeUninitializedCapacity: length) { buffer, initialized in
            try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            initialized = length
        }
    }
}

/// The words for the last failed system call.
func lastSystemError() -> String { String(cString: strerror(errno)) }
