/// Keeps float16 gradients from vanishing: scales the loss up, and steps only where everything stayed finite.
///
/// Micikevicius et al. 2018, arXiv:1710.03740; constants are PyTorch's.
public final class GradientScaler {
    public private(set) var scale: Double
    private var goodSteps: Int
    private let growth = 2.0, backoff = 0.5, interval = 2000

    public init(scale: Double = 65536, goodSteps: Int = 0) {
        self.scale = scale
        self.goodSteps = goodSteps
    }

    /// Steps in a row without an overflow.
    public var growthTracker: Int { goodSteps }

    public func scaled(_ loss: Tensor) throws -> Tensor { try loss * scale }

    /// Brings gradients back to their own size. Returns whether all are finite.
    public func unscale(_ parameters: [Tensor]) throws -> Bool {
        try noGrad {
            let gradients = try parameters.compactMap { try $0.gradient() }
            guard let first = gradients.first else { return true }
            let found = try Tensor.zeros([1], on: first.device)
            let inverse = try Tensor.full([1], 1 / scale, on: first.device)
            try callAll(
                "aten::_amp_foreach_non_finite_check_and_unscale_", "",
                [.tensors(gradients), .tensor(found), .tensor(inverse)])
            return try found.item() == 0
        }
    }

    /// Adapts the scale after a step that was taken (`finite`) or left out.
    public func update(finite: Bool) {
        if finite {
            goodSteps += 1
            if goodSteps == interval { (scale, goodSteps) = (scale * growth, 0) }
        } else {
            (scale, goodSteps) = (scale * backoff, 0)
        }
    }
}
