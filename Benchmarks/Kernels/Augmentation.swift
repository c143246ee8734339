import ArgumentParser
import Imaging
import Learning

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Augmented samples per CPU-second on one thread; `nnunet_augmentation.py` measures nnU-Net on the same cases.
struct Augmentation: ParsableCommand {
    @Argument(help: "The patch, such as 40,56,40.") var patch: String
    @Argument(help: "How many samples to draw.") var samples: Int

    func run() throws {
        let patch = patch.split(separator: ",").compactMap { Int($0) }
        guard patch.count == 3, samples > 1 else { throw ValidationError("give three sizes and at least 2 samples") }
        let settings = AugmentationSettings.nnUNetDefault(patchSize: patch)
        let sampler = PatchSampler(
            batchSize: 2, patchSize: patch, initialPatchSize: settings.initialPatchSize, oversampleForeground: 0,
            annotatedLabels: [-1, 0, 1, 2])
        let scales = (0..<4).map { level in patch.map { _ in 1 / Double(1 << level) } }
        let pipeline = AugmentationPipeline(settings: settings, targets: TargetLayout(patchSize: patch, scales: scales))
        let source = try source(shape: patch[0] < 60 ? [36, 52, 38] : [120, 260, 320])
        let loader = try BatchLoader(sources: [source], sampler: sampler, pipeline: pipeline, seed: 1, threads: 0)
        for number in 0..<5 { _ = try loader.batch(number) }
        let begin = clock()
        for number in 5..<(5 + samples / 2) { _ = try loader.batch(number) }
        let rate = Double(samples / 2 * 2) / (Double(clock() - begin) / Double(CLOCKS_PER_SEC))
        print("samples per CPU-second: \(rate)")
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
                        var sum = 0.0
                        for (position, size) in zip([z, y, x], shape) {
                            let offset = Double(position) / Double(size) - centre
                            sum += offset * offset
                        }
                        return sum.squareRoot()
                    }
                    labels[voxel] = distance(0.4) < 0.18 ? 1 : distance(0.62) < 0.12 ? 2 : 0
                    voxel += 1
                }
            }
        }
        return try InMemoryPatchSource(
            identifier: "balls", data: Volume(shape: [1] + shape, elements: image),
            segmentation: Volume(shape: [1] + shape, elements: labels), classLocations: [])
    }
}
