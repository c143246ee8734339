import Foundation
import Imaging
import Learning
import Testing

private let referenceFile = ProcessInfo.processInfo.environment["COHORT_AUGMENTATION_REFERENCE"]

/// Random volumes and the statistics of the whole chain, against a file that `scripts/compare/augmentation.py` wrote.
@Suite(.enabled(if: referenceFile != nil, "COHORT_AUGMENTATION_REFERENCE names no file"))
struct AugmentationReferenceTests {
    struct Document: Decodable {
        struct Array: Decodable {
            var shape: [Int]
            var values: [Float]
        }
        struct Case: Decodable {
            var kind: String
            var planar: Bool
            var image: Array
            var labels: Array
            var patch: [Int]
            var angles: [Double]
            var scales: [Double]
            var outImage: Array
            var outLabels: Array
        }
        struct Chain: Decodable {
            var patch: [Int]
            var initial: [Int]
            var figures: [[Double]]
        }
        var cases: [Case]
        var chain: Chain
    }

    static func document() throws -> Document {
        try JSONDecoder().decode(Document.self, from: Data(contentsOf: URL(filePath: try #require(referenceFile))))
    }

    @Test func primitives() throws {
        var (voxels, differing) = (0, 0)
        var largest: [String: Float] = [:]
        for one in try Self.document().cases {
            let shape = Array(one.image.shape.dropFirst())
            let axes = (shape.count == 2 ? [1] : []) + shape
            let channels = one.image.shape[0]
            let source = try InMemoryPatchSource(
                identifier: one.kind, data: Volume(shape: [channels] + axes, elements: one.image.values),
                segmentation: Volume(shape: [1] + axes, elements: one.labels.values.map { Int16($0) }),
                classLocations: [])
            var settings = AugmentationSettings.none(patchSize: one.patch)
            settings.initialPatchSize = shape
            settings.isPlanar = one.planar
            let pipeline = AugmentationPipeline(settings: settings, targets: TargetLayout(patchSize: one.patch))
            var parameters = AugmentationParameters()
            switch one.kind {
            case "spatial": parameters.spatial = .init(angles: one.angles, scales: one.scales)
            case "gamma": parameters.gamma = [one.angles[0]]
            case "invertedGamma": parameters.invertedGamma = [one.angles[0]]
            case "contrast": parameters.contrast = [one.angles[0]]
            case "blur": parameters.blur = [one.angles]
            default: parameters.lowResolution = [one.angles]
            }
            let result = try pipeline.sample(of: source, at: [0, 0, 0], parameters: parameters)
            let scale = max(1, one.outImage.values.reduce(0) { max($0, abs($1)) })
            for (value, wanted) in zip(result.image.elements, one.outImage.values) {
                let difference = abs(value - wanted) / scale
                let key = one.kind + " \(shape.count)D" + (one.planar ? " by slices" : "")
                largest[key] = max(largest[key] ?? 0, difference)
                #expect(difference < 1e-5, "\(one.kind) \(shape)")
            }
            for (label, wanted) in zip(result.labels.elements, one.outLabels.values) {
                voxels += 1
                if Float(label) != wanted { differing += 1 }
            }
        }
        print("largest differences, of the largest value:", largest.sorted { $0.key < $1.key })
        print("labels: \(differing) of \(voxels) differ")
        #expect(differing == 0)
    }

    /// Means over many samples lie within four standard errors of nnU-Net's.
    @Test func chain() throws {
        let chain = try Self.document().chain
        let initial = chain.initial
        var image: [Float] = []
        var labels: [Int16] = []
        for z in 0..<initial[0] {
            for y in 0..<initial[1] {
                for x in 0..<initial[2] {
                    let value = sin(0.31 * Double(z)) + cos(0.17 * Double(y)) + sin(0.23 * Double(x)) + 0.1 * Double(z)
                    image.append(Float(value))
                    let square = zip([z, y, x], initial).reduce(0.0) { sum, pair in
                        let offset = Double(pair.0) - Double(pair.1 - 1) / 2
                        return sum + offset * offset
                    }
                    labels.append(square.squareRoot() < 9 ? 1 : 0)
                }
            }
        }
        let source = try InMemoryPatchSource(
            identifier: "chain", data: Volume(shape: [1] + initial, elements: image),
            segmentation: Volume(shape: [1] + initial, elements: labels), classLocations: [])
        let settings = AugmentationSettings.nnUNetDefault(patchSize: chain.patch)
        #expect(settings.initialPatchSize == initial)
        let pipeline = AugmentationPipeline(settings: settings, targets: TargetLayout(patchSize: chain.patch))
        let figures: [[Double]] = try (0..<4000).map { number in
            var generator = Philox(seed: 1, batch: number)
            let parameters = pipeline.draw(channels: 1, using: &generator)
            let sample = try pipeline.sample(of: source, at: [0, 0, 0], parameters: parameters)
            let values = sample.image.elements.map(Double.init)
            let count = Double(values.count)
            let mean = values.reduce(0, +) / count
            let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)).squareRoot()
            let width = chain.patch[2]
            var difference = 0.0
            for index in values.indices where index % width != 0 {
                difference += abs(values[index] - values[index - 1])
            }
            difference /= count * Double(width - 1) / Double(width)
            let foreground = sample.labels.elements.reduce(0.0) { $0 + Double($1) } / count
            return [mean, deviation, values.min() ?? 0, values.max() ?? 0, difference, foreground]
        }
        func summary(_ figures: [[Double]], _ index: Int, _ power: Double) -> (mean: Double, error: Double) {
            let centre = figures.map { $0[index] }.reduce(0, +) / Double(figures.count)
            let values = figures.map { power == 1 ? $0[index] : ($0[index] - centre) * ($0[index] - centre) }
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
            return (mean, (variance / Double(values.count)).squareRoot())
        }
        for (index, name) in ["mean", "deviation", "minimum", "maximum", "difference", "foreground"].enumerated() {
            for power in [1.0, 2] {
                let (ours, wanted) = (summary(figures, index, power), summary(chain.figures, index, power))
                let errors = (ours.error * ours.error + wanted.error * wanted.error).squareRoot()
                print("\(name)\(power == 2 ? ", variance" : ""): \(ours.mean), nnU-Net \(wanted.mean) ± \(errors)")
                #expect(abs(ours.mean - wanted.mean) < 4 * errors, "\(name)")
            }
        }
    }
}
