import Federation
import Foundation

/// Updates as ten sites would send them, in memory.
struct Updates {
    let plan: SharingPlan
    let global: Weights
    let contributions: [Contribution]

    /// - Parameter count: sites; the first has one case, the second two, and so on.
    init(_ count: Int) throws {
        let tensors = nnUNetTensors()
        let sites = (0..<count).map { index in
            SiteDescription(
                name: "site-\(index / 10)\(index % 10)", examples: index + 1, tensors: tensors.map { TensorRole($0) })
        }
        plan = try SharingPlan(sites: sites, sharing: Sharing())
        global = randomWeights(tensors, seed: 0)
        contributions = try sites.enumerated().map { index, site in
            Contribution(
                site: site, content: .weights, tensors: randomWeights(tensors, seed: index + 1),
                weight: try SiteWeighting().weight(of: site, examples: site.examples, steps: 1))
        }
    }

    var weights: [Weights] { contributions.map { $0.tensors as! Weights } }
    var byteCount: Int { global.byteCount * contributions.count }

    /// The seconds of reading all updates once, on all cores.
    func readingSeconds() -> Double {
        let pieces = weights.flatMap(\.tensors).flatMap { tensor in
            stride(from: 0, to: tensor.bytes.count, by: 1 << 20).map {
                UnsafeRawBufferPointer(rebasing: tensor.bytes[$0..<min($0 + 1 << 20, tensor.bytes.count)])
            }
        }
        nonisolated(unsafe) let all = pieces
        nonisolated(unsafe) let sums = UnsafeMutablePointer<Float>.allocate(capacity: all.count)
        defer { sums.deallocate() }
        let time = seconds {
            DispatchQueue.concurrentPerform(iterations: all.count) { sums[$0] = sum(all[$0]) }
        }
        precondition(sums[0].isFinite)
        return time
    }
}

/// A plain sum in vectors, as fast as memory gives.
private func sum(_ bytes: UnsafeRawBufferPointer) -> Float {
    var sums = (SIMD16<Float>.zero, SIMD16<Float>.zero)
    let values = bytes.baseAddress!
    var i = 0
    while i + 128 <= bytes.count {
        sums.0 += values.loadUnaligned(fromByteOffset: i, as: SIMD16<Float>.self)
        sums.1 += values.loadUnaligned(fromByteOffset: i + 64, as: SIMD16<Float>.self)
        i += 128
    }
    return (sums.0 + sums.1).sum()
}

/// Small numbers that follow from a seed.
func randomWeights(_ tensors: [TensorDescription], seed: Int) -> Weights {
    Weights(
        tensors.enumerated().map { index, tensor in
            let storage = TensorStorage(byteCount: tensor.byteCount) { buffer in
                let values = buffer.bindMemory(to: Float.self)
                var state = UInt32(truncatingIfNeeded: (seed &* 1009 &+ index) &* 2_654_435_761 | 1)
                for i in values.indices {
                    state = state &* 1_664_525 &+ 1_013_904_223
                    values[i] = Float(Int32(bitPattern: state)) / Float(1 << 31)
                }
            }
            return Weights.Tensor(tensor, storage: storage)
        })
}

/// The 31 million parameters of a 3D U-Net as nnU-Net plans it: six stages, 32 to 320 features, 3×3×3.
func nnUNetTensors() -> [TensorDescription] {
    var tensors: [TensorDescription] = []
    func add(_ name: String, _ shape: [Int]) { tensors.append(TensorDescription(name: name, shape: shape)) }
    func block(_ name: String, _ inputs: Int, _ outputs: Int) {
        for (index, channels) in [inputs, outputs].enumerated() {
            add("\(name).convs.\(index).conv.weight", [outputs, channels, 3, 3, 3])
            add("\(name).convs.\(index).norm.weight", [outputs])
            add("\(name).convs.\(index).norm.bias", [outputs])
        }
    }
    let features = [32, 64, 128, 256, 320, 320]
    for (stage, outputs) in features.enumerated() {
        block("encoder.stages.\(stage)", stage == 0 ? 1 : features[stage - 1], outputs)
    }
    for (stage, outputs) in features.dropLast().reversed().enumerated() {
        add("decoder.transpconvs.\(stage).weight", [features[features.count - 1 - stage], outputs, 2, 2, 2])
        block("decoder.stages.\(stage)", 2 * outputs, outputs)
    }
    add("decoder.seg_layers.4.weight", [3, 32, 1, 1, 1])
    add("decoder.seg_layers.4.bias", [3])
    return tensors
}
