import Foundation
import Imaging
import Learning
import Testing

/// Augmented samples per CPU-second in one thread; printed, not judged. `scripts/compare/augmentation_speed.py` measures
/// nnU-Net on the same cases.
@Suite(
    .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["COHORT_MEASURE"] != nil, "set COHORT_MEASURE to measure"))
struct AugmentationSpeedTests {
    @Test(arguments: [([40, 56, 40], [36, 52, 38], 2000), ([80, 160, 192], [120, 260, 320], 120)])
    func samplesPerCPUSecond(patch: [Int], shape: [Int], samples: Int) throws {
        let source = try source(shape: shape)
        let settings = AugmentationSettings.nnUNetDefault(patchSize: patch)
        func rate(_ change: (inout AugmentationSettings) -> Void) throws -> Double {
            var settings = settings
            change(&settings)
            let scales = (0..<4).map { level in patch.map { _ in 1 / Double(1 << level) } }
            let sampler = PatchSampler(
                batchSize: 2, patchSize: patch, initialPatchSize: settings.initialPatchSize, oversampleForeground: 0,
                annotatedLabels: [-1, 0, 1, 2])
            let pipeline = AugmentationPipeline(
                settings: settings, targets: TargetLayout(patchSize: patch, scales: scales))
            let loader = try BatchLoader(sources: [source], sampler: sampler, pipeline: pipeline, seed: 1, threads: 0)
            for number in 0..<5 { _ = try loader.batch(number) }
            let begin = clock()
            for number in 5..<(5 + samples / 2) { _ = try loader.batch(number) }
            return Double(samples) / (Double(clock() - begin) / Double(CLOCKS_PER_SEC))
        }
        func none(_ settings: inout AugmentationSettings) {
            var plain = AugmentationSettings.none(patchSize: settings.patchSize)
            plain.initialPatchSize = settings.initialPatchSize
            settings = plain
        }
        let all = try rate { _ in }
        print("patch \(patch): \((all * 10).rounded() / 10) samples per CPU-second")
        let plain = try rate(none)
        let voxels = Double(patch.reduce(1, *))
        func report(_ name: String, _ change: @escaping (inout AugmentationSettings) -> Void) throws {
            let one = try rate {
                none(&$0)
                change(&$0)
            }
            print("    \(name): \((1e9 / voxels * (1 / one - 1 / plain) * 100).rounded() / 100) ns per voxel")
        }
        print("    crop and targets: \((1e9 / voxels / plain * 100).rounded() / 100) ns per voxel")
        try report("rotation") {
            $0.rotationProbability = 1
            $0.rotation = settings.rotation
        }
        try report("scaling") { $0.scalingProbability = 1 }
        try report("noise") { $0.noiseProbability = 1 }
        try report("blur") {
            $0.blurProbability = 1
            $0.blurPerChannel = 1
        }
        try report("brightness") { $0.brightnessProbability = 1 }
        try report("contrast") { $0.contrastProbability = 1 }
        try report("low resolution") {
            $0.lowResolutionProbability = 1
            $0.lowResolutionPerChannel = 1
        }
        try report("gamma") { $0.gammaProbability = 1 }
        try report("mirroring") { $0.mirrorAxes = [0, 1, 2] }
    }

    /// A smooth image, and one ball of each of two labels.
    private func source(shape: [Int]) throws -> InMemoryPatchSource {
        let count = shape.reduce(1, *)
        var image = [Float](repeating: 0, count: count)
        var labels = [Int16](repeating: 0, count: count)
        var voxel = 0
        for z in 0..<shape[0] {
            for y in 0..<shape[1] {
                for x in 0..<shape[2] {
                    image[voxel] = sin(0.31 * Float(z)) + cos(0.17 * Float(y)) + sin(0.23 * Float(x))
                    func distance(_ centre: Double) -> Double {
                        zip([z, y, x], shape).reduce(0.0) { sum, pair in
                            let offset = Double(pair.0) / Double(pair.1) - centre
                            return sum + offset * offset
                        }.squareRoot()
                    }
                    labels[voxel] = distance(0.4) < 0.18 ? 1 : distance(0.62) < 0.12 ? 2 : 0
                    voxel += 1
                }
            }
        }
        return try InMemoryPatchSource(
            identifier: "ball", data: Volume(shape: [1] + shape, elements: image),
            segmentation: Volume(shape: [1] + shape, elements: labels), classLocations: [])
    }
}
