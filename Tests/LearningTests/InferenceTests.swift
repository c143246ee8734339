import Federation
import Foundation
import Imaging
import Learning
import NNUNet
import SharedData
import Testing
import Torch

@Suite struct InferenceTests {
    @Test func stepsAreNNUNets() {
        #expect(SlidingWindow.steps(size: 110, patch: 64, stepSize: 0.5) == [0, 23, 46])
        #expect(SlidingWindow.steps(size: 432, patch: 128, stepSize: 0.5) == [0, 61, 122, 182, 243, 304])
        #expect(SlidingWindow.steps(size: 512, patch: 128, stepSize: 0.5) == [0, 64, 128, 192, 256, 320, 384])
        #expect(SlidingWindow.steps(size: 300, patch: 192, stepSize: 0.5) == [0, 54, 108])
        #expect(SlidingWindow.steps(size: 40, patch: 40, stepSize: 0.5) == [0])
    }

    @Test(.enabled(if: SharedData.url("golden/misc_golden.json") != nil, "the golden values are not here"))
    func stepsAndImportanceEqualTheGoldens() throws {
        let golden = try SharedData.json("golden/misc_golden.json")
        for (size, patch) in [(110, 64), (432, 128), (512, 128), (300, 192)] {
            let expected = try #require(golden["steps_\(size)_\(patch)_0.5"] as? [[Int]])
            #expect(SlidingWindow.steps(size: size, patch: patch, stepSize: 0.5) == expected[0])
        }
        let row = try #require(golden["gauss16x16_row8_fp16"] as? [Double])
        let plane = GaussianImportance.map(patchSize: [16, 16])
        #expect(plane.elements[8 * 16..<9 * 16].map(Double.init) == row)
        let bounds = try #require(golden["gauss16x16_min_max"] as? [Double])
        #expect(abs(Double(plane.elements.min()!) - bounds[0]) < 1e-12 && Double(plane.elements.max()!) == bounds[1])
        let cube = GaussianImportance.map(patchSize: [128, 128, 128])
        let smallest = cube.elements.min()!
        let cubeBounds = try #require(golden["gauss128_min_max"] as? [Double])
        #expect(abs(Double(smallest) - cubeBounds[0]) < 1e-15 && cube.elements.max() == 10)
        #expect(cube.elements.count { $0 == smallest } == golden["gauss128_num_at_min"] as? Int)
    }

    @Test func smallImagesArePaddedCentredWithTheOddVoxelAbove() throws {
        let window = try SlidingWindow(imageShape: [35, 60, 40], patchSize: [40, 56, 40])
        #expect(window.paddingBefore == [2, 0, 0] && window.paddedShape == [40, 60, 40])
        #expect(window.tiles == [[0, 0, 0], [0, 4, 0]])
    }

    @Test func flatPatchesVisitEverySlice() throws {
        let window = try SlidingWindow(imageShape: [3, 96, 60], patchSize: [64, 64])
        #expect(window.tileShape == [1, 64, 64] && window.paddedShape == [3, 96, 64])
        #expect(window.tiles.count == 6 && window.tiles.last == [2, 32, 0])
    }

    @Test func mirroringsAreAllSubsets() {
        #expect(SlidingWindow.mirrorings(of: nil) == [[]])
        #expect(SlidingWindow.mirrorings(of: [0, 1, 2]) == [[], [0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]])
    }

    @Test func wrongPatchesAreRefused() {
        #expect(throws: LearningError.self) { try SlidingWindow(imageShape: [10], patchSize: [4, 4, 4]) }
        #expect(throws: LearningError.self) { try SlidingWindow(imageShape: [9, 9], patchSize: [4, 4], stepSize: 0) }
    }

    /// Tiles, mirroring and importance against a direct sum written plainly.
    @Test(arguments: [[9, 10, 8], [20, 8, 13]]) func slidingEqualsTheDirectSum(shape: [Int]) throws {
        let network = try UNet(.tiny(), inputChannels: 1, outputChannels: 2, seed: 3)
        let patch = [8, 8, 8]
        let voxels = Volume(shape: [1] + shape, elements: (0..<shape.reduce(1, *)).map { sin(0.37 * Float($0)) })
        let inference = try SlidingWindowInference(
            network: network, patchSize: patch, mirrorAxes: [0, 2], precision: .float32, device: .cpu)
        let result = try inference.logits(of: voxels)

        let window = try SlidingWindow(imageShape: shape, patchSize: patch)
        let padded = window.paddedShape
        let importance = GaussianImportance.map(patchSize: patch)
        var sums = Volume<Double>(shape: [2] + padded, repeating: 0)
        var weights = Volume<Double>(shape: padded, repeating: 0)
        for tile in window.tiles {
            for mirrored in [[], [0], [2], [0, 2]] {
                func place(_ index: [Int]) -> [Int] {
                    index.indices.map { mirrored.contains($0) ? patch[$0] - 1 - index[$0] : index[$0] }
                }
                var input = Volume<Float>(shape: [1, 1] + patch, repeating: 0)
                forEachIndex(patch) { index in
                    let source = zip(zip(tile, place(index)), window.paddingBefore).map { $0.0 + $0.1 - $1 }
                    if zip(source, shape).allSatisfy({ $0 >= 0 && $0 < $1 }) {
                        input[[0, 0] + index] = voxels[[0] + source]
                    }
                }
                let output = Volume(
                    shape: [2] + patch,
                    elements: try noGrad {
                        try network(Tensor(input.elements, shape: input.shape))[0].array() as [Float]
                    })
                forEachIndex(patch) { index in
                    let weight = Double(importance[place(index)]) / 4
                    let target = zip(tile, place(index)).map { $0 + $1 }
                    weights[target] += weight
                    for head in 0..<2 { sums[[head] + target] += weight * Double(output[[head] + index]) }
                }
            }
        }
        forEachIndex(shape) { index in
            let place = zip(index, window.paddingBefore).map { $0 + $1 }
            for head in 0..<2 {
                let expected = sums[[head] + place] / weights[place]
                #expect(abs(Double(result[[head] + index]) - expected) < 1e-4)
            }
        }
        #expect(result.shape == [2] + shape)
    }

    @Test func foldsAreAveragedAsLogits() throws {
        let a = try UNet(.tiny(), inputChannels: 1, outputChannels: 2, seed: 5)
        let b = try UNet(.tiny(), inputChannels: 1, outputChannels: 2, seed: 6)
        let image = Volume(shape: [1, 8, 8, 12], elements: (0..<768).map { cos(0.2 * Float($0)) })
        func logits(_ network: UNet, _ folds: [Weights] = []) throws -> Volume<Float> {
            try SlidingWindowInference(
                network: network, patchSize: [8, 8, 8], mirrorAxes: nil, precision: .float32, device: .cpu
            ).logits(of: image, averagedOver: folds)
        }
        let first = try logits(a)
        let second = try logits(b)
        let folds = [try a.parameters.weights(), try b.parameters.weights()]
        let both = try logits(a, folds)
        for index in both.elements.indices {
            #expect(abs(both.elements[index] - (first.elements[index] + second.elements[index]) / 2) < 1e-5)
        }
    }
}

extension NetworkArchitecture {
    /// Two stages in 3D, quick to train.
    static func tiny() -> NetworkArchitecture {
        NetworkArchitecture(
            kind: .plainConvUNet, dimensions: 3, featuresPerStage: [4, 8, 8],
            kernelSizes: [[3, 3, 3], [3, 3, 3], [3, 3, 3]],
            strides: [[1, 1, 1], [2, 2, 2], [2, 2, 2]], blocksPerStage: [1, 1, 1], convolutionsPerDecoderStage: [1, 1])
    }
}

func forEachIndex(_ shape: [Int], _ body: ([Int]) -> Void) {
    var index = [Int](repeating: 0, count: shape.count)
    for _ in 0..<shape.reduce(1, *) {
        body(index)
        var axis = shape.count - 1
        while axis >= 0 {
            index[axis] += 1
            if index[axis] < shape[axis] { break }
            index[axis] = 0
            axis -= 1
        }
    }
}

@Suite struct CroppedGridTests {
    /// Against NumPy: zeros(5, 4, 6), a crop [1:3, 0:2, 2:5] of 1…12, transposed to axes (2, 0, 1).
    @Test func labelsFindTheirWayBack() throws {
        let properties = CaseProperties(
            geometry: .none, spacing: [1, 1, 1], shapeBeforeCropping: [5, 4, 6], cropBox: [1..<3, 0..<2, 2..<5],
            shapeAfterCroppingBeforeResampling: [2, 2, 3], classLocations: [])
        let grid = try CroppedGrid(properties, transposeBackward: [2, 0, 1])
        let crop = Volume<UInt16>(shape: [2, 2, 3], elements: Array(1...12))
        let image = try grid.labels(crop)
        #expect(image.shape == [6, 5, 4])
        forEachIndex([2, 2, 3]) { index in
            #expect(image[[index[2] + 2, index[0] + 1, index[1]]] == crop[index])
        }
        #expect(image.elements.count { $0 != 0 } == 12)

        let probabilities = try grid.probabilities(
            Volume(shape: [2, 2, 2, 3], repeating: 0.5), heads: SegmentationHeads(count: 2))
        #expect(
            probabilities[[0, 0, 0, 0]] == 1 && probabilities[[1, 0, 0, 0]] == 0 && probabilities[[1, 2, 1, 0]] == 0.5)
        #expect(throws: LearningError.self) { try grid.labels(Volume(shape: [2, 2, 2], repeating: 0)) }
        #expect(throws: LearningError.self) { try CroppedGrid(properties, transposeBackward: [0, 0, 1]) }
    }
}
