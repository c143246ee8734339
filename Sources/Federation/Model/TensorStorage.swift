import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The bytes of one tensor: filled once, then shared and never changed.
public final class TensorStorage: @unchecked Sendable {
    public let bytes: UnsafeRawBufferPointer

    /// - Parameter fill: must set every byte.
    public init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        let buffer = Self.allocate(byteCount)
        do { try fill(buffer) } catch {
            Self.free(buffer)
            throw error
        }
        bytes = UnsafeRawBufferPointer(buffer)
    }

    /// Takes over a buffer from `allocate`, which it frees at its end.
    init(adopting buffer: UnsafeMutableRawBufferPointer) { bytes = UnsafeRawBufferPointer(buffer) }

    deinit { Self.free(UnsafeMutableRawBufferPointer(mutating: bytes)) }
}

/// Large tensors lie in large pages, which are quicker to read. To get a fresh page takes as long as to fill it a few
/// times over; so some of the memory of the last round's models waits for those of the next.
extension TensorStorage {
    private static let page = 1 << 21
    private static let mostSpareBytes = 1 << 28
    private struct Spare: @unchecked Sendable {
        var buffers: [Int: [UnsafeMutableRawBufferPointer]] = [:]
        var byteCount = 0
    }
    private static let spare = Mutex(Spare())

    /// Memory for a tensor, not yet set; `free` takes it back.
    static func allocate(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
        guard byteCount >= page else { return .allocate(byteCount: byteCount, alignment: 64) }
        let kept = spare.withLock { spare in
            let buffer = spare.buffers[byteCount]?.popLast()
            if buffer != nil { spare.byteCount -= byteCount }
            return buffer
        }
        if let kept { return kept }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: page)
        #if os(Linux)
            madvise(buffer.baseAddress, byteCount / page * page, MADV_HUGEPAGE)
        #endif
        return buffer
    }

    static func free(_ buffer: UnsafeMutableRawBufferPointer) {
        let isKept =
            buffer.count >= page
            && spare.withLock { spare in
                guard spare.byteCount + buffer.count <= mostSpareBytes else { return false }
                spare.byteCount += buffer.count
                spare.buffers[buffer.count, default: []].append(buffer)
                return true
            }
        if !isKept { buffer.deallocate() }
    }
}
