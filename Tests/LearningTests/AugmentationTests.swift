import Foundation
import Imaging
import NNUNet
import SharedData
import Testing

import Learning

/// Single transforms with given parameters, against what the original made of the same volume.
struct AugmentationTests {
    static let shape = [8, 10, 12]

    /// The golden volume: sin(0.211 i) + 0.3 cos(0.0173 i), and labels ((3 i) ÷ 17) mod 3.
    static func source(channels: Int = 1) throws -> InMemoryPatchSource {
        let count = shape.reduce(1, *)
        let image = (0..<count).map { Float(sin(0.211 * Double($0)) + 0.3 * cos(0.0173 * Double($0))) }
        return try InMemoryPatchSource(
            identifier: "golden", data: Volume(shape: [1] + shape, elements: image),
            segmentation: Volume(shape: [1] + shape, elements: (0..<count).map { Int16((3 * $0) / 17 % 3) }),
            classLocations: [])
    }

    static func sample(
        _ parameters: AugmentationParameters, patch: [Int] = shape, source: (any PatchSource)? = nil
    ) throws -> (image: Volume<Float>, labels: Volume<Int16>) {
        let source = try source ?? Self.source()
        var settings = AugmentationSettings.none(patchSize: patch)
        settings.initialPatchSize = source.shape
        let pipeline = AugmentationPipeline(settings: settings, targets: TargetLayout(patchSize: patch))
        return try pipeline.sample(of: source, at: [0, 0, 0], parameters: parameters)
    }

    static func golden(_ name: String) throws -> Any? {
        (try SharedData.json("golden/numeric_golden.json")["augment"] as? [String: Any])?[name]
    }

    static func check(_ image: Volume<Float>, _ name: String, key: String? = nil) throws {
        var golden = try #require(try golden(name) as? [String: Any])
        if let key { golden = try #require(golden[key] as? [String: Any]) }
        let first = try #require(golden["first8"] as? [Double])
        let last = try #require(golden["last4"] as? [Double])
        let mean = image.elements.reduce(0) { $0 + Double($1) } / Double(image.count)
        let squares = image.elements.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        #expect(abs(mean - (golden["mean"] as? Double ?? .nan)) < 1e-5)
        let deviations = [Double(image.count), Double(image.count - 1)].map { (squares / $0).squareRoot() }
        let deviation = golden["std"] as? Double ?? .nan
        #expect(deviations.contains { abs($0 - deviation) < 1e-5 })
        for (value, wanted) in zip(image.elements.prefix(8), first) { #expect(abs(Double(value) - wanted) < 1e-5) }
        for (value, wanted) in zip(image.elements.suffix(4), last) { #expect(abs(Double(value) - wanted) < 1e-5) }
    }

    @Suite(.enabled(if: SharedData.url("golden/numeric_golden.json") != nil, "the golden values are not here"))
    struct Golden {
        @Test func gamma() throws {
            var parameters = AugmentationParameters()
            parameters.gamma = [1.3]
            try check(sample(parameters).image, "gamma1.3")
            parameters.gamma = []
            parameters.invertedGamma = [1.3]
            try check(sample(parameters).image, "gamma1.3_inverted")
        }

        @Test func contrast() throws {
            var parameters = AugmentationParameters()
            parameters.contrast = [1.2]
            try check(sample(parameters).image, "contrast1.2_preserve")
        }

        @Test func lowResolution() throws {
            var parameters = AugmentationParameters()
            parameters.lowResolution = [[0.6, 0.6, 0.6]]
            try check(sample(parameters).image, "lowres0.6_3d")
            parameters.lowResolution = [[1, 0.6, 0.6]]
            try check(sample(parameters).image, "lowres0.6_ignore0")
        }

        @Test func blur() throws {
            var parameters = AugmentationParameters()
            parameters.blur = [[0.5, 0.7, 1.0]]
            try check(sample(parameters).image, "blur_sigma_0.5_0.7_1.0")
            let kernels = try #require(try golden("blur_kernels") as? [String: [Double]])
            for (sigma, wanted) in kernels {
                let kernel = GaussianBlur.kernel(sigma: try #require(Double(sigma)))
                #expect(kernel.count == wanted.count)
                for (weight, wanted) in zip(kernel, wanted) { #expect(abs(Double(weight) - wanted) < 1e-6) }
            }
        }

        @Test func spatial() throws {
            var parameters = AugmentationParameters()
            parameters.spatial = .init(angles: [0.1, 0.2, 0.3], scales: [0.9, 0.9, 0.9])
            let result = try sample(parameters, patch: [6, 8, 10])
            let name = "affine_rot.1_.2_.3_scale.9"
            try check(result.image, name, key: "image")
            let labels = try #require((try golden(name) as? [String: Any])?["seg"] as? [Int])
            #expect(result.labels.elements.map(Int.init) == labels.map { max($0, 0) })
        }

        @Test func plainCrop() throws {
            let result = try sample(AugmentationParameters(), patch: [6, 8, 10])
            try check(result.image, "identity_crop", key: "image")
            let labels = try #require((try golden("identity_crop") as? [String: Any])?["seg_first20"] as? [Int])
            #expect(result.labels.elements.prefix(20).map(Int.init) == labels)
        }

        @Test func deepSupervision() throws {
            let levels = try #require(try golden("ds_seg") as? [[String: Any]])
            let scales: [[Double]] = try levels.map { level in
                zip(try #require(level["shape"] as? [Int]).dropFirst(), shape).map { Double($0) / Double($1) }
            }
            let layout = TargetLayout(patchSize: shape, scales: scales)
            let labels = try sample(AugmentationParameters()).labels.elements
            for (index, level) in levels.enumerated() {
                let wanted = try #require(level["v"] as? [Int])
                #expect(layout.shapes[index] == Array(try #require(level["shape"] as? [Int]).dropFirst()))
                var target = [Int16](repeating: -7, count: layout.shapes[index].reduce(1, *))
                target.withUnsafeMutableBufferPointer {
                    layout.write(level: index, labels: labels, to: $0.baseAddress!)
                }
                #expect(target.prefix(wanted.count).map(Int.init) == wanted)
            }
        }
    }

    @Test func mirroringFlipsImageAndLabels() throws {
        var parameters = AugmentationParameters()
        parameters.mirroredAxes = [0, 2]
        let plain = try Self.sample(AugmentationParameters())
        let flipped = try Self.sample(parameters)
        for z in 0..<8 {
            for y in 0..<10 {
                for x in 0..<12 {
                    #expect(flipped.image[[0, z, y, x]] == plain.image[[0, 7 - z, y, 11 - x]])
                    #expect(flipped.labels[[z, y, x]] == plain.labels[[7 - z, y, 11 - x]])
                }
            }
        }
    }

    /// Mirroring while cutting is mirroring at the end of the chain.
    @Test func mirroringIsTheLastStep() throws {
        var parameters = AugmentationParameters()
        parameters.spatial = .init(angles: [0.3, -0.2, 0.4], scales: [1.1, 1.1, 1.1])
        parameters.blur = [[0.6, 0.9, 0.7]]
        parameters.contrast = [0.8]
        parameters.lowResolution = [[0.5, 0.5, 0.5]]
        parameters.gamma = [1.4]
        let plain = try Self.sample(parameters, patch: [6, 8, 10])
        parameters.mirroredAxes = [0, 1, 2]
        let flipped = try Self.sample(parameters, patch: [6, 8, 10])
        for (value, other) in zip(flipped.image.elements, plain.image.elements.reversed()) {
            #expect(abs(value - other) < 2e-5)
        }
        #expect(flipped.labels.elements == plain.labels.elements.reversed())
    }

    /// What is outside is 0 and label −1, which becomes 0; a case that is read from elsewhere gives the same sample.
    @Test(arguments: [[0.0, 0, 0], [0.5, -0.4, 0.3], [0, 0, 3.1]])
    func aCaseInMemoryAndOneThatIsReadAgree(angles: [Double]) throws {
        let inMemory = try Self.source()
        var settings = AugmentationSettings.none(patchSize: [6, 8, 10])
        settings.initialPatchSize = [9, 11, 13]
        let pipeline = AugmentationPipeline(settings: settings, targets: TargetLayout(patchSize: [6, 8, 10]))
        var parameters = AugmentationParameters()
        parameters.mirroredAxes = [1]
        if angles != [0, 0, 0] { parameters.spatial = .init(angles: angles, scales: [1.3, 1.3, 1.3]) }
        for origin in [[0, 0, 0], [-4, -3, 5], [4, 6, -9], [40, 0, 0]] {
            let one = try pipeline.sample(of: inMemory, at: origin, parameters: parameters)
            let other = try pipeline.sample(of: ReadOnly(base: inMemory), at: origin, parameters: parameters)
            #expect(one.image.elements == other.image.elements)
            #expect(one.labels == other.labels)
            #expect(one.image.elements.allSatisfy { $0.isFinite })
            if origin == [40, 0, 0] { #expect(one.image.elements.allSatisfy { $0 == 0 }) }
        }
    }

    @Test func maskedChannelsAreZeroOutside() throws {
        let labels = (0..<64).map { Int16($0 % 3 - 1) }
        let source = try InMemoryPatchSource(
            identifier: "mask", data: Volume(shape: [2, 4, 4, 4], repeating: 5),
            segmentation: Volume(shape: [1, 4, 4, 4], elements: labels), classLocations: [])
        let pipeline = AugmentationPipeline(
            settings: .none(patchSize: [4, 4, 4]), targets: TargetLayout(patchSize: [4, 4, 4]), maskedChannels: [1])
        let result = try pipeline.sample(of: source, at: [0, 0, 0], parameters: AugmentationParameters())
        for index in 0..<64 {
            #expect(result.image.elements[index] == 5)
            #expect(result.image.elements[64 + index] == (labels[index] < 0 ? 0 : 5))
            #expect(result.labels.elements[index] == max(0, labels[index]))
        }
    }

    @Test func constantAndEmptyRangesStayFinite() throws {
        let source = try InMemoryPatchSource(
            identifier: "flat", data: Volume(shape: [1, 4, 5, 6], repeating: -3),
            segmentation: Volume(shape: [1, 4, 5, 6], repeating: 0), classLocations: [])
        var parameters = AugmentationParameters()
        parameters.contrast = [1.2]
        parameters.invertedGamma = [0.7]
        parameters.gamma = [1.5]
        let result = try Self.sample(parameters, patch: [4, 5, 6], source: source)
        #expect(result.image.elements.allSatisfy { abs($0 + 3) < 1e-5 })
    }

    @Test func regionsAndIgnoreLabelBecomeChannels() {
        let layout = TargetLayout(patchSize: [2, 2], regions: [[1, 2], [2]], ignoreLabel: 3)
        #expect(layout.channels == 3)
        var target = [Int16](repeating: -1, count: 12)
        let labels: [Int16] = [0, 1, 2, 3]
        target.withUnsafeMutableBufferPointer { layout.write(level: 0, labels: labels, to: $0.baseAddress!) }
        #expect(target == [0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1])
    }

    @Test func deepSupervisionScalesFollowTheStrides() {
        let scales = TargetLayout.scales(strides: [[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2]])
        #expect(scales == [[1, 1, 1], [1, 0.5, 0.5], [0.5, 0.25, 0.25]])
    }
}

/// A case that cannot be lent, only read.
private struct ReadOnly: PatchSource {
    let base: InMemoryPatchSource
    var identifier: String { base.identifier }
    var channels: Int { base.channels }
    var shape: [Int] { base.shape }
    var classLocations: [ClassLocations] { base.classLocations }

    func read(_ box: [Range<Int>], image: UnsafeMutablePointer<Float>, labels: UnsafeMutablePointer<Int16>) throws {
        for (range, size) in zip(box, shape) { #expect(range.lowerBound >= 0 && range.upperBound <= size) }
        try base.read(box, image: image, labels: labels)
    }
}
