import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Numbers that follow from a seed.
package struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(_ seed: Int) { state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

    package mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    package mutating func floats(_ count: Int, _ range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in Float.random(in: range, using: &self) }
    }
}

package func tensor(_ name: String, _ shape: [Int], seed: Int) -> Weights.Tensor {
    var random = TestRandom(seed)
    return Weights.Tensor(name, random.floats(shape.reduce(1, *)), shape: shape)
}

extension Weights {
    /// The float32 tensors in another type.
    package func converted(to type: ScalarType) throws -> Weights {
        try ConvertedTensors(self, from: .float32, to: type).weights()
    }
}

/// A site of a toy network: an input, a backbone of some levels with norms, and a head.
package func toySite(
    _ name: String, levels: Int = 3, channels: Int = 1, labels: Int = 2, examples: Int = 10, modality: String? = nil
) -> SiteDescription {
    var roles = [
        TensorRole(TensorDescription(name: "encoder.0.conv.weight", shape: [8, channels]), part: .input)
    ]
    for level in 0..<levels {
        roles.append(TensorRole(TensorDescription(name: "encoder.\(level).weight", shape: [8 << level, 8])))
        roles.append(
            TensorRole(TensorDescription(name: "encoder.\(level).norm", shape: [8 << level]), isNormalisation: true))
    }
    // Counted from the bottom, as nnU-Net does.
    for stage in 0..<levels - 1 {
        let level = levels - 2 - stage
        roles.append(
            TensorRole(
                TensorDescription(name: "decoder.\(stage).weight", shape: [16, 16]),
                alignedName: "decoder.level\(level).weight"))
    }
    roles.append(TensorRole(TensorDescription(name: "head.weight", shape: [labels, 8]), part: .head))
    return SiteDescription(
        name: name, examples: examples, dataset: "Dataset001", modality: modality,
        kind: "\(channels) channels, \(labels) labels", tensors: roles)
}

package func toyWeights(_ site: SiteDescription, seed: Int) -> Weights {
    Weights(site.tensors.enumerated().map { tensor($1.tensor.name, $1.tensor.shape, seed: seed &* 1000 &+ $0) })
}

/// A learner whose training is arithmetic: every value moves towards a target that is the site's own, with momentum.
package actor ToyLearner: Learner {
    package let site: SiteDescription
    package let target: Float
    package var faults: [Int: ToyFault] = [:]
    private var weights: Weights
    private var momentum: Float = 0
    /// The state at the end of past rounds, as a site keeps it on disk.
    package let disk: ToyDisk
    package private(set) var finished: Weights?

    package init(_ site: SiteDescription, target: Float, faults: [Int: ToyFault] = [:], disk: ToyDisk = ToyDisk()) {
        self.site = site
        self.target = target
        self.faults = faults
        self.disk = disk
        weights = toyWeights(site, seed: 7)
    }

    package func answer(_ question: Data) async throws -> Data {
        switch faults[-2] {
        case .broken: throw FederationError.site("the toy is broken")
        case .slow: try await Task.sleep(for: .seconds(60))
        default: break
        }
        return question + Data("\(site.name):\(site.examples)".utf8)
    }
    package func describe() async throws -> SiteDescription { site }
    package func initialWeights() async throws -> Weights { toyWeights(site, seed: 7) }

    package func train(_ task: TrainTask) async throws -> ModelUpdate {
        if let before = disk.states[task.round - 1] {
            (weights, momentum) = before
        }
        let start = weights.replacing(with: task.model)
        momentum = 0.5 * momentum + target / Float(task.rounds)
        let shared = Set(task.model.names)
        weights = Weights(
            start.tensors.map { tensor in
                if task.frozen.contains(tensor.name) { return tensor }
                return Weights.Tensor(
                    tensor.name, tensor.floats!.map { $0 + 0.1 * (target - $0) + 0.01 * momentum }, shape: tensor.shape)
            })
        disk.states[task.round] = (weights, momentum)
        var sent = weights.keeping { shared.contains($0) }
        if task.content == .difference {
            sent = Weights(
                sent.tensors.map { tensor in
                    Weights.Tensor(
                        tensor.name, zip(tensor.floats!, task.model[tensor.name]!.floats!).map { $0 - $1 },
                        shape: tensor.shape)
                })
        }
        switch faults[task.round] {
        case .broken: throw FederationError.site("the toy is broken")
        case .slow: try await Task.sleep(for: .seconds(60))
        case .stubborn:
            // Takes no notice of being cancelled.
            await withCheckedContinuation { continuation in
                Task.detached {
                    try? await Task.sleep(for: .seconds(6))
                    continuation.resume()
                }
            }
        case .notANumber:
            let first = sent.tensors[0]
            sent.set(Weights.Tensor(first.name, first.floats!.map { _ in Float.nan }, shape: first.shape))
        case .missing: sent = Weights(sent.tensors.dropLast())
        case .foreign: sent.set(tensor("stranger", [2], seed: 1))
        case .otherShape: sent.set(tensor(sent.names[0], [3], seed: 1))
        case nil: break
        }
        return ModelUpdate(
            task.content, sent, examples: site.examples, steps: 5, metrics: ["loss": Double(abs(target - 1))])
    }

    package func validate(_ task: ValidationTask) async throws -> ValidationResult {
        let values = task.model.tensors.flatMap { $0.floats! }
        let error = values.reduce(0.0) { $0 + abs(Double($1 - target)) } / Double(values.count)
        return ValidationResult(examples: site.examples, metrics: ["dice": 1 / (1 + error)])
    }
    package func model() async throws -> Weights { weights }
    package func finish(_ model: Weights) async throws { finished = model }
}

package enum ToyFault: Sendable { case broken, slow, stubborn, notANumber, missing, foreign, otherShape }

/// What survives a crash at a toy site.
package final class ToyDisk: @unchecked Sendable {
    package var states: [Int: (Weights, Float)] = [:]

    package init() {}
}

/// Keeps what a run told.
package actor Recorder: RoundObserver {
    package private(set) var events: [RunEvent] = []

    package init() {}
    package func observe(_ event: RunEvent) async { events.append(event) }
}
