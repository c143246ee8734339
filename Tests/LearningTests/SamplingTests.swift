import Foundation
import Imaging
import NNUNet
import Testing

import Learning

struct SamplingTests {
    /// The test vectors of the Random123 library.
    @Test func philoxIsPhilox() {
        #expect(
            Philox.words(counter: SIMD4(), key: SIMD2()) == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        let ones = UInt32.max
        #expect(
            Philox.words(counter: SIMD4(repeating: ones), key: SIMD2(repeating: ones))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            Philox.words(
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0)
            )
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test func streamsDiffer() {
        var seen = Set<UInt64>()
        for batch in [0, 1, 1 << 33] {
            for sample in 0..<3 {
                for purpose in [Philox.Purpose.training, .validation] {
                    var generator = Philox(seed: 5, purpose: purpose, batch: batch, sample: sample)
                    seen.insert(generator.next())
                }
            }
        }
        #expect(seen.count == 18)
    }

    @Test func noiseIsStandardNormal() {
        var values = [Float](repeating: 0, count: 1_000_003)
        var normal = NormalNoise(seed: 77)
        values.withUnsafeMutableBufferPointer { normal.add(to: $0.baseAddress!, count: $0.count, standardDeviation: 1) }
        let count = Double(values.count)
        let moments = (1...4).map { power in values.reduce(0.0) { $0 + pow(Double($1), Double(power)) } / count }
        #expect(abs(moments[0]) < 0.004)
        #expect(abs(moments[1] - 1) < 0.006)
        #expect(abs(moments[2]) < 0.016)
        #expect(abs(moments[3] - 3) < 0.04)
        for (limit, share) in [(1.0, 0.317311), (2, 0.0455), (3, 0.0027)] {
            let beyond = Double(values.count { abs(Double($0)) > limit }) / count
            #expect(abs(beyond - share) < 5 * (share / count).squareRoot())
        }
        // Neighbours, and the two halves of a pair, are unrelated.
        for lag in [1, 8, 16] {
            let product = (0..<(values.count - lag)).reduce(0.0) { $0 + Double(values[$1]) * Double(values[$1 + lag]) }
            #expect(abs(product / count) < 0.005)
        }
    }

    @Test func vectorFunctionsAgreeWithTheLibrary() {
        for step in 1..<4000 {
            let x = Float(step) / 1000
            #expect(abs(VectorMath.log2(SIMD8(repeating: x))[3] - log2(x)) < 4e-7 * max(1, abs(log2(x))))
            let y = Float(step - 2000) / 50
            #expect(abs(VectorMath.exp2(SIMD8(repeating: y))[5] / exp2(y) - 1) < 3e-7)
            #expect(abs(VectorMath.squareRoot(SIMD8(repeating: 7 * x))[1] / (7 * x).squareRoot() - 1) < 6e-6)
            let t = Double(step - 2000) / 4000
            let (sine, cosine) = VectorMath.sineAndCosine(turns: SIMD8(repeating: Float(t)))
            #expect(abs(Double(sine[0]) - sin(2 * .pi * t)) < 1e-6)
            #expect(abs(Double(cosine[7]) - cos(2 * .pi * t)) < 1e-6)
        }
    }

    @Test(arguments: [
        ([128, 128, 128], [205, 205, 205]), ([40, 56, 40], [73, 80, 64]), ([80, 192, 160], [194, 289, 210]),
        ([20, 256, 224], [20, 301, 301]), ([512, 512], [602, 602]), ([320, 192], [422, 225]),
    ])
    func initialPatchSizes(patch: [Int], initial: [Int]) {
        #expect(AugmentationSettings.nnUNetDefault(patchSize: patch).initialPatchSize == initial)
    }

    @Test func anisotropicPatchesAreTreatedSliceBySlice() {
        let settings = AugmentationSettings.nnUNetDefault(patchSize: [20, 256, 224])
        #expect(settings.isPlanar)
        #expect(settings.rotation == -Double.pi...Double.pi)
        let forced = AugmentationSettings.nnUNetDefault(patchSize: [20, 256, 224], allowsPlanar: false)
        #expect(!forced.isPlanar)
        #expect(forced.mirroringLeadingAxes().mirrorAxes == [0, 1])
        #expect(AugmentationSettings.nnUNetDefault(patchSize: [320, 192]).rotation.upperBound == .pi / 12)
    }

    @Test(arguments: [(2, [1]), (3, [2]), (4, [3]), (5, [3, 4]), (9, [6, 7, 8]), (12, [8, 9, 10, 11])])
    func theLastSamplesShowForeground(batchSize: Int, forced: [Int]) {
        let sampler = PatchSampler(
            batchSize: batchSize, patchSize: [8, 8, 8], initialPatchSize: [8, 8, 8], annotatedLabels: [-1, 0, 1])
        var generator = Philox(seed: 1)
        #expect((0..<batchSize).filter { sampler.forcesForeground(sample: $0, using: &generator) } == forced)
    }

    /// nnU-Net's bounds for odd and even margins, and for cases smaller than the patch.
    @Test func boundsLetPatchesReachTheBorders() {
        let sampler = PatchSampler(
            batchSize: 2, patchSize: [40, 56, 40], initialPatchSize: [73, 80, 64], annotatedLabels: [])
        // Margins 33, 24, 24: lower −17, −12, −12; upper size + 17 − 73, size + 12 − 80, size + 12 − 64.
        #expect(sampler.bounds(shape: [100, 100, 100]) == [-17...44, -12...32, -12...48])
        // Margins at least patch − size: 63, 55, 53.
        #expect(sampler.bounds(shape: [10, 25, 11]) == [-32...(-31), -28...(-27), -27...(-26)])
        let slices = PatchSampler(batchSize: 2, patchSize: [32, 32], initialPatchSize: [41, 41], annotatedLabels: [])
        #expect(slices.bounds(shape: [7, 50, 50])[0] == 0...6)
    }

    static let locations = [
        ClassLocations(labels: [1], isRegion: false, coordinates: [0, 50, 60, 70, 0, 99, 99, 99]),
        ClassLocations(labels: [2], isRegion: false, coordinates: []),
        ClassLocations(labels: [-1, 0, 1, 2], isRegion: true, coordinates: [0, 1, 2, 3]),
    ]

    @Test func forcedPatchesAreCentredOnForeground() {
        let sampler = PatchSampler(
            batchSize: 2, patchSize: [20, 20, 20], initialPatchSize: [30, 30, 30], annotatedLabels: [-1, 0, 1, 2])
        var seen = Set<[Int]>()
        for batch in 0..<100 {
            var generator = Philox(seed: 3, batch: batch)
            let origin = sampler.origin(
                shape: [100, 100, 100], classLocations: Self.locations, forcesForeground: true, using: &generator)
            seen.insert(origin)
        }
        // The far one hangs over the border; the entry of all annotated voxels is not taken beside a class.
        #expect(seen == [[35, 45, 55], [84, 84, 84]])
        var generator = Philox(seed: 3)
        let alone = sampler.origin(
            shape: [100, 100, 100], classLocations: [Self.locations[2]], forcesForeground: true, using: &generator)
        #expect(alone == [-5, -5, -5])
    }

    @Test func withAnIgnoreLabelEveryPatchShowsAnnotatedVoxels() {
        let sampler = PatchSampler(
            batchSize: 2, patchSize: [20, 20, 20], initialPatchSize: [20, 20, 20], annotatedLabels: [-1, 0, 1, 2],
            hasIgnoreLabel: true)
        var generator = Philox(seed: 3)
        let origin = sampler.origin(
            shape: [100, 100, 100], classLocations: Self.locations, forcesForeground: false, using: &generator)
        #expect(origin == [0, 0, 0])
    }

    static func loader(threads: Int, ahead: Int = 2) throws -> BatchLoader {
        let source = try AugmentationTests.source()
        let settings = AugmentationSettings.nnUNetDefault(patchSize: [6, 8, 8])
        let targets = TargetLayout(patchSize: [6, 8, 8], scales: [[1, 1, 1], [0.5, 0.5, 0.5]])
        let sampler = PatchSampler(
            batchSize: 3, patchSize: settings.patchSize, initialPatchSize: settings.initialPatchSize,
            annotatedLabels: [-1, 0, 1, 2])
        return try BatchLoader(
            sources: [source, source], sampler: sampler,
            pipeline: AugmentationPipeline(settings: settings, targets: targets), seed: 9, threads: threads,
            ahead: ahead)
    }

    @Test func batchesFollowFromTheirNumbers() throws {
        let direct = try Self.loader(threads: 0)
        let ahead = try Self.loader(threads: 3, ahead: 4)
        for number in Array(0..<40) + [7, 8, 1000] {
            let one = try direct.batch(number)
            let other = try ahead.batch(number)
            #expect(one.data == other.data)
            #expect(one.targets == other.targets)
        }
        let batch = try direct.batch(0)
        #expect(batch.data.shape == [3, 1, 6, 8, 8])
        #expect(batch.targets.map(\.shape) == [[3, 1, 6, 8, 8], [3, 1, 3, 4, 4]])
        #expect(try direct.batch(1).data != batch.data)
        ahead.cancel()
        #expect(throws: SamplingError.cancelled) { _ = try ahead.batch(2000) }
    }

    @Test func aLoaderNeedsCases() throws {
        let sampler = PatchSampler(batchSize: 1, patchSize: [4, 4], initialPatchSize: [4, 4], annotatedLabels: [])
        let pipeline = AugmentationPipeline(
            settings: .none(patchSize: [4, 4]), targets: TargetLayout(patchSize: [4, 4]))
        #expect(throws: SamplingError.noCases) {
            _ = try BatchLoader(sources: [], sampler: sampler, pipeline: pipeline, seed: 0)
        }
        #expect(throws: SamplingError.caseHasNoLabel(identifier: "a")) {
            _ = try InMemoryPatchSource(
                identifier: "a", data: Volume(shape: [1, 1, 4, 4], repeating: 0), segmentation: nil, classLocations: [])
        }
    }

    @Test(arguments: [0, 2])
    func anUnreadableCaseIsAnErrorOfItsBatch(threads: Int) throws {
        let sampler = PatchSampler(
            batchSize: 1, patchSize: [4, 4, 4], initialPatchSize: [4, 4, 4], annotatedLabels: [])
        let pipeline = AugmentationPipeline(
            settings: .none(patchSize: [4, 4, 4]), targets: TargetLayout(patchSize: [4, 4, 4]))
        let loader = try BatchLoader(
            sources: [Broken()], sampler: sampler, pipeline: pipeline, seed: 0, threads: threads)
        #expect(throws: Broken.Failure.self) { _ = try loader.batch(0) }
        #expect(throws: Broken.Failure.self) { _ = try loader.batch(1) }
    }

    /// Each transform is drawn as often as nnU-Net draws it, and within its range.
    @Test func drawsHaveTheirProbabilities() {
        let settings = AugmentationSettings.nnUNetDefault(patchSize: [40, 56, 40])
        let count = 6000
        let drawn = (0..<count).map { number in
            var generator = Philox(seed: 11, batch: number)
            return AugmentationParameters(settings: settings, channels: 2, using: &generator)
        }
        func check(_ name: String, _ probability: Double, _ condition: (AugmentationParameters) -> Bool) {
            let share = Double(drawn.count(where: condition)) / Double(count)
            let error = (probability * (1 - probability) / Double(count)).squareRoot()
            #expect(abs(share - probability) < 4.5 * error, "\(name): \(share)")
        }
        check("spatial", 0.36) { $0.spatial != nil }
        check("rotation", 0.2) { $0.spatial.map { $0.angles != [0, 0, 0] } ?? false }
        check("scaling", 0.2) { $0.spatial.map { $0.scales[0] != 1 } ?? false }
        check("noise", 0.1) { $0.noise != nil }
        check("blur", 0.2 * 0.5) { $0.blur.last != nil && $0.blur[1] != nil }
        check("brightness", 0.15) { !$0.brightness.isEmpty }
        check("darker", 0.15 * 0.5) { ($0.brightness.first ?? nil).map { $0 < 1 } ?? false }
        check("contrast", 0.15) { !$0.contrast.isEmpty }
        check("low resolution", 0.25 * 0.5) { $0.lowResolution.last != nil && $0.lowResolution[1] != nil }
        check("inverted gamma", 0.1) { !$0.invertedGamma.isEmpty }
        check("gamma", 0.3) { !$0.gamma.isEmpty }
        for axis in 0..<3 { check("mirror \(axis)", 0.5) { $0.mirroredAxes.contains(axis) } }
        for parameters in drawn {
            if let spatial = parameters.spatial {
                #expect(spatial.angles.allSatisfy { abs($0) <= .pi / 6 } && spatial.scales[0] == spatial.scales[2])
                #expect(spatial.scales[0] >= 0.7 && spatial.scales[0] <= 1.4)
            }
            for factor in parameters.gamma { #expect(factor.map { $0 >= 0.7 && $0 <= 1.5 } ?? false) }
        }
    }
}

/// A case whose file cannot be read.
private struct Broken: PatchSource {
    struct Failure: Error {}
    let identifier = "broken"
    let channels = 1
    let shape = [8, 8, 8]
    let classLocations: [ClassLocations] = []

    func read(_ box: [Range<Int>], image: UnsafeMutablePointer<Float>, labels: UnsafeMutablePointer<Int16>) throws {
        throw Failure()
    }
}
