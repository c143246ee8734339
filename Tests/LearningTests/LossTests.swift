import Foundation
import SharedData
import Testing
import Torch

import Learning

/// Losses and their gradients against the original's, for logits and targets in closed form.
@Suite(.enabled(if: SharedData.url("golden/numeric_golden.json") != nil, "golden values are not here"))
struct LossGoldenTests {
    let shape = [2, 3, 4, 5, 6]

    func logits(channels: Int) throws -> Tensor {
        let all = (0..<shape.reduce(1, *)).map { Float(2 * sin(0.37 * Double($0))) }
        return try Tensor(all, shape: shape).narrowed(1, from: 0, count: channels).clone().requireGrad()
    }

    var labels: [Int16] { (0..<240).map { Int16((7 * $0) / 5 % 3) } }

    func expect(_ loss: Tensor, _ logits: Tensor, _ name: String) throws {
        let goldens = try #require(try SharedData.json("golden/numeric_golden.json")["losses"] as? [String: Any])
        let golden = try #require(goldens[name] as? [String: Any])
        #expect(abs(try loss.item() - (golden["loss"] as? Double ?? .nan)) < 1e-6)
        try loss.backward()
        let gradient = try #require(try logits.gradient()).array(Double.self)
        for (value, golden) in zip(gradient, try #require(golden["grad_first6"] as? [Double])) {
            #expect(abs(value - golden) < 1e-6)
        }
        #expect(abs(gradient.reduce(0) { $0 + abs($1) } - (golden["grad_absum"] as? Double ?? .nan)) < 1e-5)
    }

    @Test(arguments: [false, true], [nil, 2])
    func diceAndCrossEntropy(batchDice: Bool, ignore: Int?) throws {
        let logits = try logits(channels: ignore == nil ? 3 : 2)
        let target = try Tensor(labels, shape: [2, 1, 4, 5, 6])
        let loss = try SegmentationLoss(batchDice: batchDice, ignoreLabel: ignore)(logits, target)
        try expect(
            loss, logits, "dc_ce_batchdice\(batchDice ? "True" : "False")_ignore\(ignore.map(String.init) ?? "None")")
    }

    @Test(arguments: [false, true])
    func diceAndBinaryCrossEntropy(ignore: Bool) throws {
        let logits = try logits(channels: ignore ? 2 : 3)
        let t = try Tensor(labels, shape: [2, 1, 4, 5, 6])
        let target = try Tensor.concatenated([t.greater(than: 0), t.equal(to: 2), t.equal(to: 1)], dim: 1)
        let loss = try SegmentationLoss(batchDice: true, regions: true, ignoreLabel: ignore ? 3 : nil)(logits, target)
        try expect(loss, logits, "dc_bce_ignore\(ignore ? "True" : "False")")
    }

    @Test func hardestTenth() throws {
        let goldens = try #require(try SharedData.json("golden/numeric_golden.json")["losses"] as? [String: Any])
        let loss = SegmentationLoss(dice: false, entropy: .topK(share: 0.1), batchDice: false)
        let value = try loss(logits(channels: 3), Tensor(labels, shape: [2, 1, 4, 5, 6])).item()
        #expect(abs(value - (goldens["topk10"] as? Double ?? .nan)) < 1e-6)
    }
}

struct DeepSupervisionTests {
    @Test func weightsHalveAndTheLowestIsLeftOut() {
        let six = DeepSupervision(strides: [[1, 1, 1]] + Array(repeating: [2, 2, 2], count: 5))
        let expected: [Double] = [8, 4, 2, 1, 0]
        for (weight, fifteenths) in zip(six.weights, expected) { #expect(abs(weight * 15 - fifteenths) < 1e-12) }
        #expect(six.outputs == 4)
        let anisotropic = DeepSupervision(strides: [[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2]])
        #expect(anisotropic.scales == [[1, 1, 1], [1, 0.5, 0.5], [0.5, 0.25, 0.25]])
        #expect(anisotropic.weights.map { ($0 * 3).rounded() } == [2, 1, 0])
    }

    @Test func nothingAnnotatedMeansNothingToLearn() throws {
        let logits = try Tensor.zeros([1, 2, 4, 4]).requireGrad()
        let target = try Tensor.full([1, 1, 4, 4], 2, dtype: .int16)
        let loss = try SegmentationLoss(dice: false, batchDice: false, ignoreLabel: 2)(logits, target)
        #expect(try loss.item() == 0)
    }
}
