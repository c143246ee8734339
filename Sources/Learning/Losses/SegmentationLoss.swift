import Torch

/// The loss of one resolution: a sum of an overlap term and an entropy term, either of which may be absent.
///
/// Targets are (batch, 1, axes…) label numbers, or (batch, regions, axes…) of zeros and ones for regions. Everything is
/// computed in float32. The formulas are those of nnU-Net's `DC_and_CE_loss`, `DC_and_BCE_loss` and `TopKLoss`.
public struct SegmentationLoss: Sendable {
    public enum Entropy: Sendable, Equatable {
        case none
        case crossEntropy(labelSmoothing: Double = 0)
        /// Cross-entropy over the given share of the hardest voxels.
        case topK(share: Double, labelSmoothing: Double = 0)
    }

    public var dice: Bool
    /// 1e-5, or 0 in nnU-Net's variants without smoothing.
    public var diceSmoothing: Double
    public var entropy: Entropy
    /// Sums over the batch before dividing.
    public var batchDice: Bool
    /// Sigmoid heads with one channel per region instead of a softmax.
    public var regions: Bool
    /// Voxels with this label count nowhere. For regions any value: the target's last channel marks them.
    public var ignoreLabel: Int?
    /// Channels whose label nobody searched these images for; see ``PartialAnnotation``.
    public var unannotated: [Int]

    public init(
        dice: Bool = true, diceSmoothing: Double = 1e-5, entropy: Entropy = .crossEntropy(), batchDice: Bool,
        regions: Bool = false,
        ignoreLabel: Int? = nil, unannotated: [Int] = []
    ) {
        self.dice = dice
        self.diceSmoothing = diceSmoothing
        self.entropy = entropy
        self.batchDice = batchDice
        self.regions = regions
        self.ignoreLabel = ignoreLabel
        self.unannotated = unannotated
    }

    public func callAsFunction(_ logits: Tensor, _ target: Tensor) throws -> Tensor {
        let logits = try logits.to(.float32)
        if !unannotated.isEmpty {
            let partial = PartialAnnotation(unannotated: unannotated, channels: logits.shape[1])
            var loss = self
            loss.unannotated = []
            if regions { return try loss(partial.annotated(logits), partial.annotatedRegions(target)) }
            loss.ignoreLabel = ignoreLabel.map { $0 - unannotated.count }
            return try loss(partial.merged(logits), partial.renumbered(target))
        }
        return regions ? try regionLoss(logits, target) : try labelLoss(logits, target)
    }

    // MARK: Labels

    private func labelLoss(_ logits: Tensor, _ target: Tensor) throws -> Tensor {
        let classes = logits.shape[1]
        let target = try target.to(.int64)
        let mask = try ignoreLabel.map { try target.notEqual(to: $0) }
        var terms: [Tensor] = []
        if dice {
            let known = try mask.map { try target.maskedFill($0.logicalNot(), with: 0) } ?? target
            let truth = try noGrad {
                try Tensor.zeros([target.shape[0], classes] + target.shape.dropFirst(2), on: target.device)
                    .scattered(dim: 1, index: known, value: 1).narrowed(1, from: 1, count: classes - 1)
            }
            let probabilities = try logits.softmax(dim: 1).narrowed(1, from: 1, count: classes - 1)
            terms.append(try diceLoss(probabilities, truth, mask: mask?.to(.float32)))
        }
        // Where nobody annotated anything there is no entropy to learn from.
        if entropy != .none, try mask.map({ try $0.to(.int64).sum().item() > 0 }) ?? true {
            let squeezed = try target.squeezed(1)
            terms.append(try labelEntropy(logits, squeezed))
        }
        return try total(terms, like: logits)
    }

    private func labelEntropy(_ logits: Tensor, _ target: Tensor) throws -> Tensor {
        func crossEntropy(reduction: Int, smoothing: Double) throws -> Tensor {
            try call(
                "aten::cross_entropy_loss", "", .tensor(logits), .tensor(target), .none, .int(reduction),
                .int(ignoreLabel ?? -100),
                .double(smoothing))
        }
        switch entropy {
        case .none: return try Tensor.zeros([], on: logits.device)
        case .crossEntropy(let smoothing): return try crossEntropy(reduction: 1, smoothing: smoothing)
        case .topK(let share, let smoothing):
            let voxels = try crossEntropy(reduction: 0, smoothing: smoothing).reshaped([-1])
            return try voxels.largest(Int(Double(voxels.count) * share)).mean()
        }
    }

    // MARK: Regions

    private func regionLoss(_ logits: Tensor, _ target: Tensor) throws -> Tensor {
        let regionCount = logits.shape[1]
        let truth = try target.narrowed(1, from: 0, count: regionCount).to(.float32)
        let mask = try ignoreLabel.map { _ in
            try target.narrowed(1, from: regionCount, count: 1).to(.float32).negated() + 1
        }
        var terms: [Tensor] = []
        if dice { terms.append(try diceLoss(logits.sigmoid(), truth, mask: mask)) }
        if entropy != .none {
            let elements = try call(
                "aten::binary_cross_entropy_with_logits", "", .tensor(logits), .tensor(truth), .none, .none,
                .int(mask == nil ? 1 : 0))
            // nnU-Net divides by the annotated voxels, not by voxels times regions.
            terms.append(try mask.map { try (elements * $0).sum() / $0.sum().clamped(min: 1e-8) } ?? elements)
        }
        return try total(terms, like: logits)
    }

    // MARK: Both

    /// 1 − the soft Dice of every channel, less the 1: Milletari et al. 2016, arXiv:1606.04797, in nnU-Net's form.
    private func diceLoss(_ probabilities: Tensor, _ truth: Tensor, mask: Tensor?) throws -> Tensor {
        let axes = Array((batchDice ? 0 : 2)..<probabilities.rank).filter { $0 != 1 }
        let kept = try mask.map { try truth * $0 } ?? truth
        let intersection = try (probabilities * kept).sum(dims: axes)
        let predicted = try (mask.map { try probabilities * $0 } ?? probabilities).sum(dims: axes)
        let reference = try noGrad { try kept.sum(dims: axes) }
        let coefficients =
            try (intersection * 2 + diceSmoothing) / (reference + predicted + diceSmoothing).clamped(min: 1e-8)
        return try coefficients.mean().negated()
    }

    private func total(_ terms: [Tensor], like logits: Tensor) throws -> Tensor {
        guard let first = terms.first else { return try (logits * 0).sum() }
        return try terms.dropFirst().reduce(first) { try $0 + $1 }
    }
}
