import Federation
import Torch

/// What a federation adds to the steps of one round: FedProx's pull towards the model that was sent, and layers that stay as
/// they are.
public struct FederatedStep {
    /// μ; Li et al. 2020, arXiv:1812.06127.
    public var proximalTerm = 0.0
    /// The model that was sent, by parameter.
    public var reference: [String: Tensor] = [:]
    /// Parameters that are not trained.
    public var frozen: Set<String> = []

    public init() {}

    /// Changes gradients between the backward pass and the optimizer: the proximal term's gradient is μ(w − w₀).
    func adjust(_ parameters: ParameterStore) throws {
        guard proximalTerm > 0 || !frozen.isEmpty else { return }
        try noGrad {
            for (name, parameter) in zip(parameters.names, parameters.parameters) {
                if frozen.contains(name) {
                    parameter.clearGradient()
                } else if proximalTerm > 0, let before = reference[name], let gradient = try parameter.gradient() {
                    try gradient.add_(parameter - before, alpha: proximalTerm)
                }
            }
        }
    }
}
