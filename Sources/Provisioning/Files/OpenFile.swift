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

/// A descriptor that reads and writes everything or throws, and closes with its owner.
final class OpenFile {
    private let descriptor: Int32
    private let url: URL

    init(_ url: URL, _ flags: Int32, mode: mode_t = 0) throws {
        self.url = url
        descriptor = open(url.path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw DurableFile.failure(url) }
    }

    deinit { close(descriptor) }

    /// Waits until nobody else holds the file, of this process or another.
    func lock() throws {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw DurableFile.failure(url) }
        }
    }

    func setMode(_ mode: mode_t) throws {
        guard fchmod(descriptor, mode) == 0 else { throw DurableFile.failure(url) }
    }

    /// Reads from the beginning: all, or one byte more than `most`.
    func readAll(upTo most: Int) throws -> Data {
        var data = Data()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while data.count <= most {
            let wanted = min(chunk.count, most + 1 - data.count)
            let got = chunk.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, wanted, off_t(data.count)) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw DurableFile.failure(url) }
            if got == 0 { break }
            data.append(contentsOf: chunk[..<got])
        }
        return data
    }

    /// Writes at the place of the descriptor: the end, where the file was opened to append.
    func append(_ data: Data) throws {
        try data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let put = write(descriptor, bytes.baseAddress! + done, bytes.count - done)
                if put < 0 && errno == EINTR { continue }
                guard put > 0 else { throw DurableFile.failure(url) }
                done += put
            }
        }
    }

    func truncate(to length: Int) throws {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw DurableFile.failure(url) }
    }

    func reachDisk() throws { guard fsync(descriptor) == 0 else { throw DurableFile.failure(url) } }
}
