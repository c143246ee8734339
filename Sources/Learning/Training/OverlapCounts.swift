import Torch

/// True positives, false positives and false negatives per class over many patches, for the online ("pseudo") Dice.
public struct OverlapCounts: Sendable, Equatable {
    public var truePositives: [Double]
    public var falsePositives: [Double]
    public var falseNegatives: [Double]

    public init(classes: Int) {
        truePositives = Array(repeating: 0, count: classes)
        falsePositives = truePositives
        falseNegatives = truePositives
    }

    /// `2·tp / (2·tp + fp + fn)` per class; NaN where a class is neither there nor predicted.
    public var dice: [Double] {
        truePositives.indices.map {
            2 * truePositives[$0] / (2 * truePositives[$0] + falsePositives[$0] + falseNegatives[$0])
        }
    }

    /// The mean over the classes that have a Dice; NaN where none has.
    public var meanDice: Double {
        let known = dice.filter { !$0.isNaN }
        return known.reduce(0, +) / Double(known.count)
    }

    /// Foreground classes of a network: regions are all foreground, labels but for the first.
    public static func classes(_ heads: SegmentationHeads) -> Int { heads.areRegions ? heads.count : heads.count - 1 }

    /// Adds a batch: `logits` (batch, heads, axes…), `target` as ``TrainingBatch/targets`` has it.
    mutating func add(_ logits: Tensor, _ target: Tensor, heads: SegmentationHeads) throws {
        var sums: [Tensor] = []
        if heads.areRegions {
            let annotated = try heads.ignoreLabel.map { _ in
                try target.narrowed(1, from: heads.count, count: 1).equal(to: 0)
            }
            let predicted = try logits.greater(than: 0)
            let truth = try target.narrowed(1, from: 0, count: heads.count).greater(than: 0.5)
            let axes = [0] + Array(2..<logits.rank)
            func sum(_ a: Tensor, _ b: Tensor) throws -> Tensor {
                let both = try a.logicalAnd(b)
                return try (annotated.map { try both.logicalAnd($0) } ?? both).sum(dims: axes, dtype: .int64)
            }
            sums = [
                try sum(predicted, truth), try sum(predicted, truth.logicalNot()),
                try sum(predicted.logicalNot(), truth),
            ]
        } else {
            let labels = try logits.argmax(dim: 1, keepDim: true)
            let annotated = try heads.ignoreLabel.map { try target.notEqual(to: $0) }
            var parts: [[Tensor]] = [[], [], []]
            for label in 1..<max(1, heads.count) {
                var predicted = try labels.equal(to: label)
                if let annotated { predicted = try predicted.logicalAnd(annotated) }
                let truth = try target.equal(to: label)
                let hits = try predicted.logicalAnd(truth).sum()
                parts[0].append(hits)
                parts[1].append(try predicted.sum() - hits)
                parts[2].append(try truth.sum() - hits)
            }
            guard !parts[0].isEmpty else { return }
            sums = try parts.map { try Tensor.stacked($0, dim: 0) }
        }
        let counts = try Tensor.stacked(sums, dim: 0).array(Double.self)
        let classes = truePositives.count
        // What was not annotated cannot be counted right or wrong.
        let open = Set(heads.unannotated.map { heads.areRegions ? $0 : $0 - 1 })
        for index in 0..<classes where !open.contains(index) {
            truePositives[index] += counts[index]
            falsePositives[index] += counts[classes + index]
            falseNegatives[index] += counts[2 * classes + index]
        }
    }
}
