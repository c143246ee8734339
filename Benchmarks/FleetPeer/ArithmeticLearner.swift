import Federation
import Foundation

/// Goes half of the way to the site's own target in every round. It keeps nothing: any round may come again.
struct ArithmeticLearner: Learner {
    let name: String
    let target: Float
    let examples: Int
    let model: [TensorDescription]
    let duration: Duration
    /// Whether values differ from the first on. Equal ones make equal objects, which are sent and kept once.
    var isVaried = false

    /// The one step of training, in float32 as Flower's app in `Tests/Interop` does it.
    static func step(_ value: Float, towards target: Float) -> Float { value + 0.5 * (target - value) }

    /// What the interoperation's app learns.
    static let smallModel = [
        TensorDescription(name: "matrix", shape: [4, 3]), TensorDescription(name: "vector", shape: [5]),
    ]

    /// A model of about equal tensors.
    static func model(bytes: Int, tensors: Int) -> [TensorDescription] {
        let count = bytes / 4
        return (0..<tensors).map { index in
            TensorDescription(
                name: "layer\(index).weight", shape: [count * (index + 1) / tensors - count * index / tensors])
        }
    }

    /// What a value begins with in a varied model: twelve bits, so that some rounds stay exact in float32.
    static func beginning(_ tensor: Int, _ index: Int) -> Float {
        var bits = UInt64(truncatingIfNeeded: tensor) << 40 | UInt64(truncatingIfNeeded: index)
        bits = (bits ^ bits >> 31) &* 0x9e37_79b9_7f4a_7c15
        return Float((bits ^ bits >> 29) >> 20 & 4095) / 4096
    }

    func answer(_ question: Data) async throws -> Data { question }

    func describe() async throws -> SiteDescription {
        SiteDescription(name: name, examples: examples, tensors: model.map { TensorRole($0) })
    }

    func initialWeights() async throws -> Weights {
        Weights(
            model.enumerated().map { position, tensor in
                Weights.Tensor(
                    tensor,
                    storage: TensorStorage(byteCount: tensor.byteCount) { buffer in
                        let values = buffer.bindMemory(to: Float.self)
                        for i in values.indices { values[i] = isVaried ? Self.beginning(position, i) : 0 }
                    })
            })
    }

    func train(_ task: TrainTask) async throws -> ModelUpdate {
        try await Task.sleep(for: duration)
        let trained = task.model.tensors.map { tensor in
            Weights.Tensor(
                tensor.description,
                storage: TensorStorage(byteCount: tensor.bytes.count) { buffer in
                    let old = tensor.bytes.assumingMemoryBound(to: Float.self)
                    let new = buffer.bindMemory(to: Float.self)
                    for i in new.indices { new[i] = Self.step(old[i], towards: target) }
                })
        }
        return ModelUpdate(.weights, Weights(trained), examples: examples, steps: 1, metrics: ["loss": 1])
    }

    func validate(_ task: ValidationTask) async throws -> ValidationResult {
        var (sum, count) = (0.0, 0)
        for tensor in task.model.tensors {
            let values = tensor.bytes.assumingMemoryBound(to: Float.self)
            for value in values { sum += abs(Double(value - target)) }
            count += values.count
        }
        return ValidationResult(examples: examples, metrics: ["dice": 1 / (1 + sum / Double(max(1, count)))])
    }

    func model() async throws -> Weights { try await initialWeights() }
    func finish(_ model: Weights) async throws {}
}
