#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A whole file as memory, which the system reads where it is looked at and may take away again.
///
/// The file must not become shorter: files of weights are replaced, and never rewritten in place.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    /// The same file, to be read without the mapping.
    let file: DurableFile

    init(_ file: DurableFile, byteCount: Int) throws {
        self.file = file
        bytes = try file.map(byteCount)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }
}
