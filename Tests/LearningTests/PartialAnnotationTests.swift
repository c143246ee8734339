import Foundation
import NNUNet
import Testing
import Torch

import Learning

/// What a site has not annotated is one class with the background there.
@Suite struct PartialAnnotationTests {
    private static let shape = [2, 4, 3, 4, 5]

    private func logits(channels: Int = 4) throws -> Tensor {
        let shape = [2, channels, 3, 4, 5]
        let values = (0..<shape.reduce(1, *)).map { Float(2 * sin(0.37 * Double($0))) }
        return try Tensor(values, shape: shape).clone().requireGrad()
    }

    /// Labels out of those that the site has.
    private func target(_ labels: [Int16]) throws -> Tensor {
        try Tensor((0..<120).map { labels[(7 * $0) / 5 % labels.count] }, shape: [2, 1, 3, 4, 5])
    }

    /// By hand: the probability of the background is the sum of its own and the unannotated label's.
    @Test(arguments: [nil, 4]) func crossEntropyOfTheSum(ignore: Int?) throws {
        let own: [Int16] = ignore == nil ? [0, 1, 3] : [0, 1, 3, 4]
        let (logits, target) = (try logits(), try target(own))
        let loss = try SegmentationLoss(dice: false, batchDice: true, ignoreLabel: ignore, unannotated: [2])(
            logits, target)
        let probabilities = try logits.softmax(dim: 1).array(Double.self)
        let labels = try target.array(Double.self).map { Int($0) }
        var (sum, count) = (0.0, 0.0)
        for (index, label) in labels.enumerated() where label != 4 {
            func probability(_ channel: Int) -> Double { probabilities[(index / 60 * 4 + channel) * 60 + index % 60] }
            sum -= log(label == 0 ? probability(0) + probability(2) : probability(label))
            count += 1
        }
        #expect(abs(try loss.item() - sum / count) < 1e-5)
    }

    /// The Dice of annotated labels is as it was, and with nothing left open the loss is the ordinary one.
    @Test func diceCountsAnnotatedLabelsAlone() throws {
        let (logits, target) = (try logits(), try target([0, 1, 3]))
        let partial = SegmentationLoss(entropy: .none, batchDice: true, unannotated: [2])
        let probabilities = try logits.softmax(dim: 1).array(Double.self)
        let labels = try target.array(Double.self).map { Int($0) }
        let dice = [1, 3].map { label in
            var (both, all) = (0.0, 0.0)
            for (index, truth) in labels.enumerated() {
                let value = probabilities[(index / 60 * 4 + label) * 60 + index % 60]
                both += truth == label ? value : 0
                all += value + (truth == label ? 1 : 0)
            }
            return (2 * both + 1e-5) / (all + 1e-5)
        }
        #expect(abs(try partial(logits, target).item() + (dice[0] + dice[1]) / 2) < 1e-5)
    }

    /// The heart of it: where such a site shows background, no gradient makes its unannotated label less likely.
    @Test(arguments: [false, true]) func backgroundDoesNotTeachItsAbsence(isPartial: Bool) throws {
        let (logits, target) = (try logits(), try target([0, 1, 3]))
        try SegmentationLoss(batchDice: true, unannotated: isPartial ? [2] : [])(logits, target).backward()
        let gradient = try #require(try logits.gradient()).array(Double.self)
        let labels = try target.array(Double.self).map { Int($0) }
        let pushes = labels.indices.filter { labels[$0] == 0 }.map { gradient[($0 / 60 * 4 + 2) * 60 + $0 % 60] }
        #expect(pushes.count > 30)
        if isPartial { #expect(pushes.allSatisfy { $0 <= 1e-9 }) } else { #expect(pushes.contains { $0 > 1e-4 }) }
    }

    @Test(arguments: [false, true]) func regionsAreLeftOut(hasIgnore: Bool) throws {
        let logits = try logits(channels: 3)
        let labels = try target([0, 1, 2])
        let regions = try [labels.greater(than: 0), labels.equal(to: 2), labels.equal(to: 1)]
        let ignored = hasIgnore ? [try labels.equal(to: 1)] : []
        func loss(_ logits: Tensor, _ regions: [Tensor], _ open: [Int]) throws -> Double {
            try SegmentationLoss(batchDice: true, regions: true, ignoreLabel: hasIgnore ? 9 : nil, unannotated: open)(
                logits, .concatenated(regions + ignored, dim: 1)
            ).item()
        }
        let two = try Tensor.concatenated(
            [logits.narrowed(1, from: 0, count: 1), logits.narrowed(1, from: 2, count: 1)], dim: 1)
        #expect(abs(try loss(logits, regions, [1]) - loss(two, [regions[0], regions[2]], [])) < 1e-6)
    }

    @Test func theDescriptionSaysWhichHeads() throws {
        func heads(_ labels: String, _ open: String, _ extra: String = "") throws -> (SegmentationHeads, [Int]) {
            let text = """
                {"channel_names": {"0": "CT"}, "labels": \(labels), "numTraining": 1, "file_ending": ".nii.gz", \
                "unannotated_labels": [\(open)]\(extra)}
                """
            let manager = LabelManager(
                try DatasetDescription(json: try #require(JSONValue(parsing: Array(text.utf8)).object)))
            return (SegmentationHeads(manager), manager.unannotatedClasses)
        }
        let labels = try heads(#"{"background": 0, "tumour": 3, "liver": 1, "vein": 2}"#, #""Tumour", "liver ""#)
        #expect(labels.0.unannotated == [1, 3] && labels.1 == [0, 2])
        let regions = try heads(
            #"{"background": 0, "whole": [1, 2], "core": [2]}"#, #""core""#, #", "regions_class_order": [1, 2]"#)
        #expect(regions.0.unannotated == [1] && regions.1 == [1])
        #expect(try heads(#"{"background": 0, "a": 1}"#, "").0.unannotated.isEmpty)
    }
}
