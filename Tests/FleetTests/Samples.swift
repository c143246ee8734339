import Federation
import Fleet

/// A tensor whose bytes depend on the seed alone; booleans are 0 or 1.
func tensor(_ name: String, _ shape: [Int], _ type: ScalarType = .float32, seed: UInt64 = 1) -> Weights.Tensor {
    let description = TensorDescription(name: name, shape: shape, type: type)
    var random = SeededRandom(seed)
    return Weights.Tensor(
        description,
        storage: TensorStorage(byteCount: description.byteCount) { buffer in
            for i in buffer.indices {
                let byte = UInt8(truncatingIfNeeded: random.next())
                buffer[i] = type == .bool ? byte & 1 : byte & 0x3f
            }
        })
}

/// SplitMix64.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

extension TensorSource {
    /// Everything in memory, read in pieces of this many bytes.
    func whole(pieces: Int = 1 << 16) throws -> Weights {
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: pieces, alignment: 64)
        defer { scratch.deallocate() }
        return Weights(
            try descriptions.enumerated().map { index, description in
                Weights.Tensor(
                    description,
                    storage: try TensorStorage(byteCount: description.byteCount) { target in
                        for start in stride(from: 0, to: target.count, by: pieces) {
                            let range = start..<min(start + pieces, target.count)
                            try withBytes(of: index, in: range, scratch: scratch) { bytes in
                                UnsafeMutableRawBufferPointer(rebasing: target[range]).copyMemory(from: bytes)
                            }
                        }
                    })
            })
    }
}
