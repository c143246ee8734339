/// Sends float32 tensors as float16: half the bytes, a relative error of at most 2⁻¹¹.
///
/// Values beyond float16's range become infinite, and the server refuses them.
public struct HalfPrecision: UpdateFilter {
    public let name = "half-precision"

    public init() {}

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        try converted(update, from: .float32, to: .float16)
    }

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        try converted(update, from: .float16, to: .float32)
    }

    private func converted(_ update: ModelUpdate, from: ScalarType, to: ScalarType) throws -> ModelUpdate {
        var update = update
        update.weights = try update.weights.converted(from: from, to: to)
        return update
    }
}

extension Weights {
    /// The same with every tensor of one type in another.
    public func converted(from: ScalarType, to: ScalarType) throws -> Weights {
        var outputs: [UnsafeMutableRawBufferPointer?] = []
        let targets = tensors.map { tensor in
            guard tensor.description.type == from else { return tensor.description }
            return TensorDescription(name: tensor.name, shape: tensor.shape, type: to)
        }
        for (tensor, target) in zip(tensors, targets) {
            let converts = tensor.description.type == from
            outputs.append(converts ? TensorStorage.allocate(target.byteCount) : nil)
        }
        try forEachTile(descriptions) { index, range, scratch in
            guard let output = outputs[index] else { return }
            let bytes = range.lowerBound * from.byteCount..<range.upperBound * from.byteCount
            let values = scratch.baseAddress!.assumingMemoryBound(to: Double.self)
            values.update(repeating: 0, count: range.count)
            from.accumulate(
                [UnsafeRawBufferPointer(rebasing: tensors[index].bytes[bytes])], weights: [1], into: values)
            to.store(values, count: range.count, to: output.baseAddress! + range.lowerBound * to.byteCount)
        }
        return Weights(
            zip(zip(tensors, targets), outputs).map { pair, output in
                output.map { Tensor(pair.1, storage: TensorStorage(adopting: $0)) } ?? pair.0
            })
    }
}
