/// Tensors that can be read piece by piece, wherever they are: in memory or in a file.
public protocol TensorSource: Sendable {
    var descriptions: [TensorDescription] { get }

    /// Calls `body` with some bytes of one tensor.
    ///
    /// - Parameters:
    ///   - index: the tensor's place in `descriptions`.
    ///   - range: bytes of that tensor.
    ///   - scratch: at least as large as `range`; used where the bytes are not in memory.
    func withBytes<Result>(
        of index: Int, in range: Range<Int>, scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result

    /// All of it in memory.
    func weights() throws -> Weights
}

extension TensorSource {
    public var byteCount: Int { descriptions.reduce(0) { $0 + $1.byteCount } }

    public func weights() throws -> Weights {
        Weights(
            try descriptions.enumerated().map { index, description in
                Weights.Tensor(
                    description,
                    storage: try TensorStorage(byteCount: description.byteCount) { buffer in
                        try withBytes(of: index, in: 0..<buffer.count, scratch: buffer) { bytes in
                            if bytes.baseAddress != UnsafeRawPointer(buffer.baseAddress) {
                                buffer.copyMemory(from: bytes)
                            }
                        }
                    })
            })
    }
}

extension Weights: TensorSource {
    public func weights() throws -> Weights { self }

    public func withBytes<Result>(
        of index: Int, in range: Range<Int>, scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try tensors[index].storage.withBytes(range, scratch: scratch, body)
    }
}

extension TensorSource {
    /// The first tensor that holds NaN or an infinite value.
    public func firstNonFinite() throws -> TensorDescription? {
        let descriptions = descriptions
        let found = LowestIndex()
        try forEachTile(descriptions) { index, range, scratch in
            guard descriptions[index].type.isFloatingPoint else { return }
            let type = descriptions[index].type
            let bytes = range.lowerBound * type.byteCount..<range.upperBound * type.byteCount
            let isFinite = try withBytes(of: index, in: bytes, scratch: scratch) { type.allFinite($0) }
            if !isFinite { found.lower(to: index) }
        }
        return found.index.map { descriptions[$0] }
    }
}

extension ScalarType {
    /// Whether every value is a number. True for integers.
    func allFinite(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // A float is not finite where all bits of its exponent are set.
        func check<Word: FixedWidthInteger & UnsignedInteger>(_ exponent: Word) -> Bool {
            let words = bytes.assumingMemoryBound(to: Word.self)
            guard let first = words.baseAddress else { return true }
            // Without a way out in between, so that it vectorises.
            var found: Word = 0
            for i in 0..<words.count { found |= first[i] & exponent == exponent ? 1 : 0 }
            return found == 0
        }
        return switch self {
        case .float32: check(0x7f80_0000 as UInt32)
        case .float64: check(0x7ff0_0000_0000_0000 as UInt64)
        case .float16: check(0x7c00 as UInt16)
        case .bfloat16: check(0x7f80 as UInt16)
        case .int64, .int32, .uint8, .bool: true
        }
    }
}
