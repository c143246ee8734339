import NNUNet
import Torch

/// Two convolutions around which the input is added again: He et al. 2016, arXiv:1512.03385, in the pooled form ("ResNet-D")
/// of He et al. 2019, arXiv:1812.01187.
struct ResidualBlock {
    let first: ConvolutionBlock
    let second: ConvolutionBlock
    let pooling: AveragePooling?
    let projection: ConvolutionBlock?

    init(
        _ scope: Scope, _ architecture: NetworkArchitecture, from inputs: Int, to outputs: Int, kernel: [Int],
        stride: [Int]
    ) throws {
        let ones = stride.map { _ in 1 }
        first = try ConvolutionBlock(
            scope / "conv1", architecture, from: inputs, to: outputs, kernel: kernel, stride: stride)
        second = try ConvolutionBlock(
            scope / "conv2", architecture, from: outputs, to: outputs, kernel: kernel, stride: ones, activates: false,
            zeroNorm: true)
        pooling = stride == ones ? nil : AveragePooling(stride: stride)
        projection =
            inputs == outputs
            ? nil
            : try ConvolutionBlock(
                scope / "skip" / (pooling == nil ? 0 : 1), architecture, from: inputs, to: outputs, kernel: ones,
                stride: ones,
                bias: false, activates: false)
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        var skip = x
        if let pooling { skip = try pooling(skip) }
        if let projection { skip = try projection(skip) }
        let sum = try second(first(x))
        return try (sum + skip).leakyReLU_(slope: leakySlope)
    }
}
