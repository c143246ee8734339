/// How the server moves the global model towards what the sites made of it.
///
/// Adaptive federated optimization; Reddi et al. 2021, arXiv:2003.00295. With Δ the aggregated model minus the global one,
/// m its momentum and v its second moment, which begins at τ²: m ← β₁m + (1−β₁)Δ, x ← x + η m / (√v + τ). FedAvgM is
/// m ← βm + Δ, x ← x + ηm; Hsu et al. 2019, arXiv:1909.06335.
public enum ServerOptimizer: Sendable, Equatable, Codable {
    /// FedAvg: the aggregated model is the new one.
    case replace
    case momentum(learningRate: Double = 1, momentum: Double = 0.9)
    case adam(learningRate: Double = 0.1, beta1: Double = 0.9, beta2: Double = 0.99, tau: Double = 1e-3)
    case yogi(learningRate: Double = 0.01, beta1: Double = 0.9, beta2: Double = 0.99, tau: Double = 1e-3)
    case adagrad(learningRate: Double = 0.1, beta1: Double = 0, tau: Double = 1e-3)

    /// What is carried from round to round, under the names of the global model's tensors.
    public struct State: Sendable, Equatable {
        public var momentum = Weights()
        public var secondMoment = Weights()

        public init() {}
    }

    /// The next global model. Tensors that are not floating-point take the aggregated value.
    public func step(_ global: Weights, towards aggregated: Weights, state: inout State) throws -> Weights {
        if case .replace = self { return aggregated }
        let moving = aggregated.tensors.filter {
            $0.description.type == .float32 && global[$0.name]?.description == $0.description
        }
        var next = aggregated
        let (momentumBefore, secondBefore) = (state.momentum, state.secondMoment)
        let results = moving.map { tensor in
            (0..<3).map { _ in TensorStorage.allocate(tensor.description.byteCount) }
        }
        try forEachTile(moving.map(\.description)) { index, range, _ in
            let name = moving[index].name
            func values(_ weights: Weights) -> UnsafePointer<Float>? {
                weights[name]?.bytes.baseAddress?.assumingMemoryBound(to: Float.self)
            }
            let output = results[index].map { $0.baseAddress!.assumingMemoryBound(to: Float.self) }
            update(
                range, global: values(global)!, aggregated: values(aggregated)!, momentum: values(momentumBefore),
                second: values(secondBefore), output: output)
        }
        for (tensor, buffers) in zip(moving, results) {
            let storages = buffers.map(TensorStorage.init(adopting:))
            next.set(Weights.Tensor(tensor.description, storage: storages[0]))
            state.momentum.set(Weights.Tensor(tensor.description, storage: storages[1]))
            state.secondMoment.set(Weights.Tensor(tensor.description, storage: storages[2]))
        }
        return next
    }

    private func update(
        _ range: Range<Int>, global: UnsafePointer<Float>, aggregated: UnsafePointer<Float>,
        momentum: UnsafePointer<Float>?, second: UnsafePointer<Float>?, output: [UnsafeMutablePointer<Float>]
    ) {
        for i in range {
            let delta = Double(aggregated[i]) - Double(global[i])
            let before = Double(momentum?[i] ?? 0)
            var m = delta
            var v = 0.0
            var change = delta
            func adaptive(_ learningRate: Double, _ beta1: Double, _ tau: Double, _ grown: (Double) -> Double) {
                m = beta1 * before + (1 - beta1) * delta
                v = grown(Double(second?[i] ?? Float(tau * tau)))
                change = learningRate * m / (v.squareRoot() + tau)
            }
            switch self {
            case .replace: break
            case .momentum(let learningRate, let decay):
                m = decay * before + delta
                change = learningRate * m
            case .adam(let learningRate, let beta1, let beta2, let tau):
                adaptive(learningRate, beta1, tau) { beta2 * $0 + (1 - beta2) * delta * delta }
            case .yogi(let learningRate, let beta1, let beta2, let tau):
                adaptive(learningRate, beta1, tau) {
                    let square = delta * delta
                    return $0 - (1 - beta2) * square * ($0 > square ? 1 : $0 < square ? -1 : 0)
                }
            case .adagrad(let learningRate, let beta1, let tau):
                adaptive(learningRate, beta1, tau) { $0 + delta * delta }
            }
            output[0][i] = Float(Double(global[i]) + change)
            output[1][i] = Float(m)
            output[2][i] = Float(v)
        }
    }
}
