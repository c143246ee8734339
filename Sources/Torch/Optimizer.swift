/// Changes parameters along their gradients. Parameters without a gradient are left alone.
public protocol Optimizer: AnyObject {
    var learningRate: Double { get set }
    func step() throws
    /// What must be kept to go on exactly: named buffers of each parameter, by its position.
    func state() -> [Int: [String: Tensor]]
    func restore(_ state: [Int: [String: Tensor]]) throws
}

/// Stochastic gradient descent with momentum as PyTorch does it; `nesterov` after Sutskever et al. 2013.
public final class SGD: Optimizer {
    public var learningRate: Double
    public let momentum: Double
    public let weightDecay: Double
    public let nesterov: Bool
    private let parameters: [Tensor]
    private var buffers: [Int: Tensor] = [:]

    public init(_ parameters: [Tensor], learningRate: Double, momentum: Double, weightDecay: Double, nesterov: Bool) {
        self.parameters = parameters
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.nesterov = nesterov
    }

    public func step() throws {
        try noGrad {
            var changed: [Tensor] = []
            var gradients: [Tensor] = []
            var momenta: [Tensor] = []
            for (index, parameter) in parameters.enumerated() {
                guard let gradient = try parameter.gradient() else { continue }
                changed.append(parameter)
                gradients.append(gradient)
                if momentum != 0 {
                    // Begins at zero, so that the first update makes it the gradient itself.
                    let buffer = try buffers[index] ?? call("aten::zeros_like", "", .tensor(parameter)).detached()
                    buffers[index] = buffer
                    momenta.append(buffer)
                }
            }
            guard !changed.isEmpty else { return }
            if weightDecay != 0 { try foreachAdd(gradients, changed, weightDecay) }
            if momentum != 0 {
                try callAll("aten::_foreach_mul_", "Scalar", [.tensors(momenta), .double(momentum)])
                try foreachAdd(momenta, gradients, 1)
                if nesterov { try foreachAdd(gradients, momenta, momentum) }
            }
            try foreachAdd(changed, momentum != 0 && !nesterov ? momenta : gradients, -learningRate)
        }
    }

    public func state() -> [Int: [String: Tensor]] { buffers.mapValues { ["momentum_buffer": $0] } }

    public func restore(_ state: [Int: [String: Tensor]]) throws {
        buffers = state.compactMapValues { $0["momentum_buffer"] }
    }
}

/// Adam (Kingma and Ba 2015, arXiv:1412.6980) and AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) as PyTorch does them.
public final class Adam: Optimizer {
    public var learningRate: Double
    public let weightDecay: Double
    public let decoupled: Bool
    public let epsilon: Double
    public let amsgrad: Bool
    private let parameters: [Tensor]
    private var moments: [Int: (first: Tensor, second: Tensor, largest: Tensor?, steps: Int)] = [:]
    private let beta = (first: 0.9, second: 0.999)

    /// - Parameter decoupled: weight decay apart from the gradient (AdamW).
    public init(
        _ parameters: [Tensor], learningRate: Double, weightDecay: Double, decoupled: Bool, epsilon: Double = 1e-8,
        amsgrad: Bool = false
    ) {
        self.parameters = parameters
        self.learningRate = learningRate
        self.weightDecay = weightDecay
        self.decoupled = decoupled
        self.epsilon = epsilon
        self.amsgrad = amsgrad
    }

    public func step() throws {
        try noGrad {
            for (index, parameter) in parameters.enumerated() {
                guard let gradient = try parameter.gradient() else { continue }
                func zeros() throws -> Tensor { try call("aten::zeros_like", "", .tensor(parameter)).detached() }
                var entry = try moments[index] ?? (zeros(), zeros(), amsgrad ? zeros() : nil, 0)
                entry.steps += 1
                if weightDecay != 0 {
                    if decoupled {
                        try parameter.mul_(1 - learningRate * weightDecay)
                    } else {
                        try gradient.add_(parameter, alpha: weightDecay)
                    }
                }
                try callAll(
                    "aten::lerp_", "Scalar", [.tensor(entry.first), .tensor(gradient), .double(1 - beta.first)])
                try entry.second.mul_(beta.second)
                try callAll(
                    "aten::addcmul_", "",
                    [.tensor(entry.second), .tensor(gradient), .tensor(gradient), .double(1 - beta.second)])
                var second = entry.second
                if let largest = entry.largest {
                    try largest.copy_(call("aten::maximum", "", .tensor(largest), .tensor(second)))
                    second = largest
                }
                let corrections = (
                    1 - power(beta.first, entry.steps), (1 - power(beta.second, entry.steps)).squareRoot()
                )
                let divisor = try call("aten::sqrt", "", .tensor(second)) / corrections.1 + epsilon
                try callAll(
                    "aten::addcdiv_", "",
                    [
                        .tensor(parameter), .tensor(entry.first), .tensor(divisor),
                        .double(-learningRate / corrections.0),
                    ])
                moments[index] = entry
            }
        }
    }

    public func state() -> [Int: [String: Tensor]] {
        moments.mapValues { entry in
            var state = ["exp_avg": entry.first, "exp_avg_sq": entry.second]
            state["max_exp_avg_sq"] = entry.largest
            state["step"] = try? Tensor([Float(entry.steps)], shape: [])
            return state
        }
    }

    public func restore(_ state: [Int: [String: Tensor]]) throws {
        moments = try state.mapValues { entry in
            guard let first = entry["exp_avg"], let second = entry["exp_avg_sq"], let step = entry["step"] else {
                throw TorchError.parameters(
                    "the optimizer's state is not Adam's: exp_avg, exp_avg_sq or step is missing")
            }
            return (first, second, entry["max_exp_avg_sq"], Int(try step.item()))
        }
    }
}

/// Scales gradients down so that their common norm is at most `limit`, and returns the norm that they had.
///
/// Nothing waits for the device: the norm stays a tensor.
@discardableResult
public func clipGradientNorm(_ parameters: [Tensor], to limit: Double) throws -> Tensor {
    try noGrad {
        let gradients = try parameters.compactMap { try $0.gradient() }
        guard !gradients.isEmpty else { return try Tensor.zeros([]) }
        let norms = try callAll(
            "aten::_foreach_norm", "Scalar", [.tensors(gradients), .int(2)], capacity: gradients.count)
        let total = try call("aten::linalg_vector_norm", "", .tensor(Tensor.stacked(norms, dim: 0)), .int(2))
        let factor = try call("aten::reciprocal", "", .tensor(total + 1e-6)) * limit
        try callAll("aten::_foreach_mul_", "Tensor", [.tensors(gradients), .tensor(factor.clamped(max: 1))])
        return total
    }
}

private func foreachAdd(_ targets: [Tensor], _ others: [Tensor], _ alpha: Double) throws {
    try callAll("aten::_foreach_add_", "List", [.tensors(targets), .tensors(others), .double(alpha)])
}

private func power(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0
    for _ in 0..<exponent { result *= base }
    return result
}
