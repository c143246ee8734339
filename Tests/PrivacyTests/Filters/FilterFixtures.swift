import Federation
import FederationTesting
import Privacy

/// A site's update of normal differences, with a scalar that counts batches.
func normalUpdate(
    _ shapes: [String: [Int]], deviation: Float, steps: Int = 1, seed: Int = 1, counter: Bool = false
) -> ModelUpdate {
    var random = TestRandom(seed)
    func normal() -> Float {
        // A sum of twelve uniform numbers is near enough.
        (random.floats(12, 0...1).reduce(0, +) - 6) * deviation
    }
    var weights = Weights()
    for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
        weights.set(Weights.Tensor(name, (0..<shape.reduce(1, *)).map { _ in normal() }, shape: shape))
    }
    if counter { weights.set(scalarTensor("norm.num_batches_tracked", 17)) }
    return ModelUpdate(.difference, weights, examples: 10, steps: steps)
}

func scalarTensor(_ name: String, _ value: Int64) -> Weights.Tensor {
    Weights.Tensor(
        TensorDescription(name: name, shape: [], type: .int64),
        storage: TensorStorage(byteCount: 8) { $0.storeBytes(of: value, as: Int64.self) })
}

func byteTensor(_ name: String, _ bytes: [UInt8]) -> Weights.Tensor {
    Weights.Tensor(
        TensorDescription(name: name, shape: [bytes.count], type: .uint8),
        storage: TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) })
}

extension ModelUpdate {
    /// All float32 values, tensor after tensor in the order of their names.
    func floats() throws -> [Float] {
        try tensors.weights().tensors.filter { !$0.shape.isEmpty }.sorted { $0.name < $1.name }.flatMap {
            $0.floats ?? []
        }
    }

    func with(_ weights: Weights) -> ModelUpdate {
        var update = self
        update.tensors = weights
        return update
    }
}

let siteA = FilterContext(round: 1, site: "site_a")

/// Whether the share of a sample lies so near to what is expected that a sound sampler fails once in 10⁹ times at most:
/// 6.11 standard deviations of the normal approximation.
func isNear(_ share: Double, _ expected: Double, of count: Int) -> Bool {
    abs(share - expected) <= 6.11 * (expected * (1 - expected) / Double(count)).squareRoot()
}
