/// The bytes of one tensor: filled once, then shared and never changed.
public final class TensorStorage: @unchecked Sendable {
    public let bytes: UnsafeRawBufferPointer

    /// - Parameter fill: must set every byte.
    public init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
        do { try fill(buffer) } catch {
            buffer.deallocate()
            throw error
        }
        bytes = UnsafeRawBufferPointer(buffer)
    }

    /// Takes over a buffer, which it deallocates at its end.
    init(adopting buffer: UnsafeMutableRawBufferPointer) { bytes = UnsafeRawBufferPointer(buffer) }

    deinit { bytes.deallocate() }
}
