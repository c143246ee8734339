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

/// A file that is written under a temporary name in its own folder and takes its name when it is whole.
///
/// Where `commit` is not reached, nothing is left behind and an older file of the same name stays as it was.
final class AtomicFile {
    let path: String
    private(set) var position = 0
    private let temporaryPath: String
    private var descriptor: Int32

    init(_ url: URL) throws {
        path = url.path
        let folder = url.deletingLastPathComponent().path
        temporaryPath =
            "\(folder)/.\(url.lastPathComponent).\(getpid()).\(UInt32.random(in: 0 ... .max)).part"
        descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError.cannotWrite(file: path, reason: lastSystemError()) }
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            unlink(temporaryPath)
        }
    }

    func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

    func write(_ buffer: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < buffer.count {
            // Glibc's and this type's `write` have one name.
            #if canImport(Glibc)
                let put = Glibc.write(descriptor, buffer.baseAddress! + done, min(buffer.count - done, 1 << 30))
            #elseif canImport(Musl)
                let put = Musl.write(descriptor, buffer.baseAddress! + done, min(buffer.count - done, 1 << 30))
            #else
                let put = Darwin.write(descriptor, buffer.baseAddress! + done, min(buffer.count - done, 1 << 30))
            #endif
            if put < 0 && errno == EINTR { continue }
            guard put > 0 else { throw FileError.cannotWrite(file: path, reason: lastSystemError()) }
            done += put
        }
        position += done
    }

    /// Closes the file and gives it its name.
    func commit() throws {
        let closed = close(descriptor)
        descriptor = -1
        guard closed == 0, rename(temporaryPath, path) == 0 else {
            let reason = lastSystemError()
            unlink(temporaryPath)
            throw FileError.cannotWrite(file: path, reason: reason)
        }
    }

    /// Writes a whole file.
    static func write(_ bytes: [UInt8], to url: URL) throws {
        let file = try AtomicFile(url)
        try file.write(bytes)
        try file.commit()
    }
}
