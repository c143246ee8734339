import Foundation
import NNUNet
import SharedData
import Testing
import Torch

import Learning

/// Networks against the outputs that the original gave for weights and inputs in closed form.
@Suite(.enabled(if: SharedData.url("golden/numeric_golden.json") != nil, "golden values are not here"))
struct NetworkGoldenTests {
    static let plain3D = NetworkArchitecture(
        kind: .plainConvUNet, dimensions: 3, featuresPerStage: [32, 64, 128],
        kernelSizes: [[3, 3, 3], [3, 3, 3], [3, 3, 3]],
        strides: [[1, 1, 1], [2, 2, 2], [2, 2, 2]], blocksPerStage: [2, 2, 2], convolutionsPerDecoderStage: [2, 2])
    static let plain2D = NetworkArchitecture(
        kind: .plainConvUNet, dimensions: 2, featuresPerStage: [32, 64, 128], kernelSizes: [[3, 3], [3, 3], [3, 3]],
        strides: [[1, 1], [2, 2], [2, 2]], blocksPerStage: [2, 2, 2], convolutionsPerDecoderStage: [2, 2])
    static let residual3D = NetworkArchitecture(
        kind: .residualEncoderUNet, dimensions: 3, featuresPerStage: [32, 64, 128],
        kernelSizes: [[1, 3, 3], [3, 3, 3], [3, 3, 3]], strides: [[1, 1, 1], [1, 2, 2], [2, 2, 2]],
        blocksPerStage: [1, 3, 4],
        convolutionsPerDecoderStage: [1, 1])

    @Test(arguments: [
        ("plain_3d_small", plain3D, 1, 3), ("resenc_3d_small", residual3D, 1, 3), ("plain_2d_small", plain2D, 2, 4),
    ])
    func outputs(name: String, architecture: NetworkArchitecture, inputs: Int, classes: Int) throws {
        let golden = try #require(try SharedData.json("golden/numeric_golden.json")[name] as? [String: Any])
        let network = try UNet(architecture, inputChannels: inputs, outputChannels: classes)
        #expect(network.parameters.names == golden["named_parameters_order"] as? [String])
        for (j, name) in network.parameters.names.enumerated() {
            let parameter = try #require(network.parameters[name])
            let shift: Float = name.hasSuffix("norm.weight") ? 1 : 0
            let values = (0..<parameter.count).map { Float(0.05 * sin(0.7391 * Double($0) + Double(j))) + shift }
            try values.withUnsafeBytes { try parameter.assign($0) }
        }
        let shape = try #require(golden["input_shape"] as? [Int])
        let input = (0..<shape.reduce(1, *)).map { Float(cos(0.113 * Double($0))) }
        let outputs = try noGrad { try network(Tensor(input, shape: shape), outputs: 2) }
        let expected = try #require(golden["out"] as? [[String: Any]])
        #expect(outputs.count == expected.count)
        for (output, expected) in zip(outputs, expected) {
            #expect(output.shape == expected["shape"] as? [Int])
            let values = try output.array(Double.self)
            for (value, golden) in zip(values.prefix(8), try #require(expected["first8"] as? [Double])) {
                #expect(abs(value - golden) < 1e-5)
            }
            for (value, golden) in zip(values.suffix(4), try #require(expected["last4"] as? [Double])) {
                #expect(abs(value - golden) < 1e-5)
            }
            let mean = values.reduce(0, +) / Double(values.count)
            let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1))
                .squareRoot()
            #expect(abs(mean - (expected["mean"] as? Double ?? .nan)) < 1e-5)
            // The golden deviation may be the population's or the sample's; the sizes here make them agree to 1e-4.
            #expect(abs(deviation - (expected["std"] as? Double ?? .nan)) < 1e-4)
        }
    }
}

/// What needs no golden values.
struct NetworkTests {
    @Test(arguments: [NetworkGoldenTests.plain2D, NetworkGoldenTests.plain3D, NetworkGoldenTests.residual3D])
    func aPlanTellsHowManyParameters(architecture: NetworkArchitecture) throws {
        let network = try UNet(architecture, inputChannels: 2, outputChannels: 5)
        let count = network.parameters.parameters.reduce(0) { $0 + $1.count }
        #expect(architecture.parameterCount(inputChannels: 2, outputChannels: 5) == count)
    }

    @Test func onlyTheAskedOutputsAreComputed() throws {
        let network = try UNet(NetworkGoldenTests.plain2D, inputChannels: 1, outputChannels: 2)
        let x = try Tensor.zeros([1, 1, 16, 16])
        #expect(try network(x).map(\.shape) == [[1, 2, 16, 16]])
        #expect(try network(x, outputs: 2).map(\.shape) == [[1, 2, 16, 16], [1, 2, 8, 8]])
    }

    @Test func aSeedGivesTheSameWeights() throws {
        func weights(_ value: UInt64) throws -> [Float] {
            try UNet(NetworkGoldenTests.plain2D, inputChannels: 1, outputChannels: 2, seed: value).parameters
                .parameters[0]
                .array()
        }
        let first = try weights(3)
        #expect(try weights(3) == first)
        #expect(try weights(4) != first)
        // He's initialisation for a slope of 0.01 and 9 inputs: a standard deviation of 0.471.
        let deviation = (first.reduce(0) { $0 + $1 * $1 } / Float(first.count)).squareRoot()
        #expect(abs(deviation - 0.471) < 0.1)
    }

    @Test func residualBlocksBeginAsTheIdentity() throws {
        let network = try UNet(NetworkGoldenTests.residual3D, inputChannels: 1, outputChannels: 2)
        let name = "encoder.stages.1.blocks.1.conv2.norm.weight"
        #expect(try network.parameters[name]?.array(Float.self).allSatisfy { $0 == 0 } == true)
    }
}
