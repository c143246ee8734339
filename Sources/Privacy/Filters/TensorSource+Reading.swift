import Federation

extension TensorSource {
    /// Reads one tensor's bytes into a buffer of that length.
    func read(_ index: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        try withBytes(of: index, in: 0..<buffer.count, scratch: buffer) { bytes in
            if bytes.baseAddress != UnsafeRawPointer(buffer.baseAddress) { buffer.copyMemory(from: bytes) }
        }
    }

    /// One tensor in memory.
    func tensor(_ index: Int) throws -> Weights.Tensor {
        let description = descriptions[index]
        return Weights.Tensor(
            description, storage: try TensorStorage(byteCount: description.byteCount) { try read(index, into: $0) })
    }

    /// The bytes of one tensor.
    func bytes(_ index: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: descriptions[index].byteCount) { buffer, filled in
            filled = buffer.count
            try read(index, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
