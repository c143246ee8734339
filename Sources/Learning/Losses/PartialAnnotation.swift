import Torch

/// Images in which only some of the labels were searched for: their background may hold the others.
///
/// The marginal loss of Shi et al. 2021, arXiv:2007.03868: labels that were not annotated are one class with the background,
/// whose probability is the sum of theirs. So nothing pushes such a label towards background, nor towards itself. Heads of
/// regions are sigmoids of their own: those that were not annotated are left out.
struct PartialAnnotation {
    /// Channels, ascending; never the background's.
    let unannotated: [Int]
    let channels: Int

    private var annotated: [Int] { (0..<channels).filter { !unannotated.contains($0) } }

    private func take(_ tensor: Tensor, _ channels: [Int]) throws -> Tensor {
        try .concatenated(channels.map { try tensor.narrowed(1, from: $0, count: 1) }, dim: 1)
    }

    // MARK: Labels

    /// Logits (batch, background or unannotated, annotated labels…, axes…).
    func merged(_ logits: Tensor) throws -> Tensor {
        let background = try call(
            "aten::logsumexp", "", .tensor(take(logits, [0] + unannotated)), .ints([1]), .bool(true))
        return try .concatenated([background, take(logits, Array(annotated.dropFirst()))], dim: 1)
    }

    /// Label numbers that fit `merged`. The number of an ignore label falls with the others.
    func renumbered(_ target: Tensor) throws -> Tensor {
        let target = try target.to(.int64)
        var result = target
        for label in unannotated {
            let above = try target.greater(than: Double(label)).to(.int64)
            result = try (result - above).maskedFill(target.equal(to: label), with: 0)
        }
        return result
    }

    // MARK: Regions

    func annotated(_ logits: Tensor) throws -> Tensor { try take(logits, annotated) }

    /// The same channels of a target, and the one that marks ignored voxels, where there is one.
    func annotatedRegions(_ target: Tensor) throws -> Tensor {
        try take(target, annotated + Array(channels..<target.shape[1]))
    }
}
