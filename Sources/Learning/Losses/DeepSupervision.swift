import NNUNet
import Torch

/// Losses at several resolutions, weighed: Lee et al. 2015, arXiv:1409.5185, as nnU-Net weighs them.
public struct DeepSupervision: Sendable, Equatable {
    /// One per output, full resolution first: halved from each to the next, the lowest 0, their sum 1.
    public let weights: [Double]
    /// Share of the patch's size along each axis at each output.
    public let scales: [[Double]]

    /// For a network of `strides` (one per axis, per stage, the first all 1).
    public init(strides: [[Int]]) {
        let outputs = strides.count - 1
        var scale = strides[0].map { _ in 1.0 }
        var scales: [[Double]] = []
        for stage in 0..<outputs {
            scale = zip(scale, strides[stage]).map { $0 / Double($1) }
            scales.append(scale)
        }
        let raw = (0..<outputs).map { $0 == outputs - 1 && outputs > 1 ? 0 : 1 / Double(1 << $0) }
        let sum = raw.reduce(0, +)
        self.weights = raw.map { $0 / sum }
        self.scales = scales
    }

    /// Only full resolution.
    public init(withoutFor strides: [[Int]]) {
        weights = [1]
        scales = [strides[0].map { _ in 1.0 }]
    }

    /// How many outputs count: a network need not compute those behind.
    public var outputs: Int { weights.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0 }

    public func callAsFunction(_ loss: SegmentationLoss, _ logits: [Tensor], _ targets: [Tensor]) throws -> Tensor {
        var total: Tensor?
        for ((logits, target), weight) in zip(zip(logits, targets), weights) where weight != 0 {
            let term = try loss(logits, target) * weight
            total = try total.map { try $0 + term } ?? term
        }
        guard let total else { throw TorchError.wrongShape("deep supervision got no outputs") }
        return total
    }
}
