import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The bytes of one tensor: filled once, then shared and never changed.
public final class TensorStorage: @unchecked Sendable {
    public let bytes: UnsafeRawBufferPointer
    /// Where the bytes are a part of a file that is mapped into memory.
    private let file: (file: MappedFile, offset: Int)?

    /// - Parameter fill: must set every byte.
    public init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        let buffer = Self.allocate(byteCount)
        do { try fill(buffer) } catch {
            Self.free(buffer)
            throw error
        }
        bytes = UnsafeRawBufferPointer(buffer)
        file = nil
    }

    /// Takes over a buffer from `allocate`, which it frees at its end.
    init(adopting buffer: UnsafeMutableRawBufferPointer) {
        bytes = UnsafeRawBufferPointer(buffer)
        file = nil
    }

    /// A part of a mapped file, which takes memory only where it is looked at.
    init(_ file: MappedFile, at offset: Int, byteCount: Int) {
        bytes = UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + byteCount])
        self.file = (file, offset)
    }

    deinit { if file == nil { Self.free(UnsafeMutableRawBufferPointer(mutating: bytes)) } }

    /// Calls `body` with some of the bytes. Those of a mapped file are read into `scratch`, so that none of it stays in
    /// memory.
    func withBytes<Result>(
        _ range: Range<Int>, scratch: UnsafeMutableRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let (file, offset) = file else { return try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
        let buffer = UnsafeMutableRawBufferPointer(rebasing: scratch[..<range.count])
        try file.file.read(into: buffer, at: offset + range.lowerBound)
        return try body(UnsafeRawBufferPointer(buffer))
    }
}

/// Large tensors lie in large pages, which are quicker to read. To get a fresh page takes as long as to fill it a few
/// times over; so some of the memory of the last round's models waits for those of the next.
extension TensorStorage {
    private static let page = 1 << 21
    /// From here on memory is worth keeping: the C library maps such blocks one by one, or keeps them where the next
    /// model's, in another thread, do not find them.
    private static let fewestBytes = 1 << 17
    private static let mostSpareBytes = 1 << 28
    private struct Spare: @unchecked Sendable {
        var buffers: [Int: [UnsafeMutableRawBufferPointer]] = [:]
        var byteCount = 0
    }
    private static let spare = Mutex(Spare())

    /// Memory for a tensor, not yet set; `free` takes it back.
    static func allocate(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
        guard byteCount >= fewestBytes else { return .allocate(byteCount: byteCount, alignment: 64) }
        let kept = spare.withLock { spare in
            let buffer = spare.buffers[byteCount]?.popLast()
            if buffer != nil { spare.byteCount -= byteCount }
            return buffer
        }
        if let kept { return kept }
        guard byteCount >= page else { return .allocate(byteCount: byteCount, alignment: 64) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: page)
        #if os(Linux)
            madvise(buffer.baseAddress, byteCount / page * page, MADV_HUGEPAGE)
        #endif
        return buffer
    }

    static func free(_ buffer: UnsafeMutableRawBufferPointer) {
        let isKept =
            buffer.count >= fewestBytes
            && spare.withLock { spare in
                guard spare.byteCount + buffer.count <= mostSpareBytes else { return false }
                spare.byteCount += buffer.count
                spare.buffers[buffer.count, default: []].append(buffer)
                return true
            }
        if !isKept { buffer.deallocate() }
    }
}
