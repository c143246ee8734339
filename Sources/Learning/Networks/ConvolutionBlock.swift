import NNUNet
import Torch

/// Convolution, instance norm, leaky ReLU: the unit of nnU-Net's networks.
struct ConvolutionBlock {
    let convolution: Convolution
    let norm: InstanceNorm
    let activates: Bool

    init(
        _ scope: Scope, _ architecture: NetworkArchitecture, from inputs: Int, to outputs: Int, kernel: [Int],
        stride: [Int],
        bias: Bool? = nil, activates: Bool = true, zeroNorm: Bool = false
    ) throws {
        convolution = try Convolution(
            scope / "conv", from: inputs, to: outputs, kernel: kernel, stride: stride,
            bias: bias ?? architecture.convolutionBias)
        norm = try InstanceNorm(
            scope / "norm", channels: outputs, epsilon: architecture.normEpsilon, affine: architecture.normAffine,
            zero: zeroNorm)
        self.activates = activates
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let normalised = try norm(convolution(x))
        return activates ? try normalised.leakyReLU_(slope: leakySlope) : normalised
    }
}

/// The slope of nnU-Net's leaky ReLUs below zero.
let leakySlope = 0.01

/// Convolution blocks one after the other; the first has the stride.
struct ConvolutionStack {
    let blocks: [ConvolutionBlock]

    init(
        _ scope: Scope, _ architecture: NetworkArchitecture, count: Int, from inputs: Int, to outputs: Int,
        kernel: [Int],
        stride: [Int]
    ) throws {
        blocks = try (0..<count).map { index in
            try ConvolutionBlock(
                scope / "convs" / index, architecture, from: index == 0 ? inputs : outputs, to: outputs, kernel: kernel,
                stride: index == 0 ? stride : stride.map { _ in 1 })
        }
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor { try blocks.reduce(x) { try $1($0) } }
}
