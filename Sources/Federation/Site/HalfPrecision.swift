/// Sends float32 tensors as float16: half the bytes, a relative error of at most 2⁻¹¹.
///
/// Values beyond float16's range become infinite, and the server refuses them.
public struct HalfPrecision: UpdateFilter {
    public let name = "half-precision"

    public init() {}

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        converted(update, from: .float32, to: .float16)
    }

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        converted(update, from: .float16, to: .float32)
    }

    private func converted(_ update: ModelUpdate, from: ScalarType, to: ScalarType) -> ModelUpdate {
        var update = update
        update.tensors = ConvertedTensors(update.tensors, from: from, to: to)
        return update
    }
}
