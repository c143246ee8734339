/// A convolution in 2D or 3D, by the length of its kernel.
public struct Convolution {
    public let weight: Tensor
    public let bias: Tensor?
    let stride: [Int]
    let padding: [Int]

    /// - Parameter kernel: odd sizes; the input is padded so that stride 1 keeps its size.
    public init(_ scope: Scope, from inputs: Int, to outputs: Int, kernel: [Int], stride: [Int], bias: Bool = true)
        throws
    {
        let shape = [outputs, inputs] + kernel
        weight = try scope.parameter("weight", shape, .kaiming(shape, slope: 0.01))
        self.bias = bias ? try scope.parameter("bias", [outputs], .zeros) : nil
        self.stride = stride
        padding = kernel.map { ($0 - 1) / 2 }
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let ones = [Int](repeating: 1, count: stride.count)
        return try call(
            stride.count == 2 ? "aten::conv2d" : "aten::conv3d", "", .tensor(x), .tensor(weight),
            bias.map(OperatorArgument.tensor) ?? .none, .ints(stride), .ints(padding), .ints(ones), .int(1))
    }
}

/// A transposed convolution whose kernel equals its stride: it enlarges by exactly that.
public struct TransposedConvolution {
    public let weight: Tensor
    public let bias: Tensor?
    let stride: [Int]

    public init(_ scope: Scope, from inputs: Int, to outputs: Int, stride: [Int], bias: Bool = true) throws {
        let shape = [inputs, outputs] + stride
        weight = try scope.parameter("weight", shape, .kaiming(shape, slope: 0.01))
        self.bias = bias ? try scope.parameter("bias", [outputs], .zeros) : nil
        self.stride = stride
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try call(
            stride.count == 2 ? "aten::conv_transpose2d" : "aten::conv_transpose3d",
            stride.count == 2 ? "input" : "input",
            .tensor(x), .tensor(weight), bias.map(OperatorArgument.tensor) ?? .none, .ints(stride))
    }
}

/// Normalises every channel of every sample by its own statistics: Ulyanov et al. 2016, arXiv:1607.08022.
public struct InstanceNorm {
    public let weight: Tensor?
    public let bias: Tensor?
    let epsilon: Double

    /// - Parameter zero: begins with a scale of 0 instead of 1, which makes a residual block the identity.
    public init(_ scope: Scope, channels: Int, epsilon: Double, affine: Bool, zero: Bool = false) throws {
        weight = affine ? try scope.parameter("weight", [channels], zero ? .zeros : .ones) : nil
        bias = affine ? try scope.parameter("bias", [channels], .zeros) : nil
        self.epsilon = epsilon
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try call(
            "aten::instance_norm", "", .tensor(x), weight.map(OperatorArgument.tensor) ?? .none,
            bias.map(OperatorArgument.tensor) ?? .none,
            .none, .none, .bool(true), .double(0), .double(epsilon), .bool(true))
    }
}

/// Means over windows that do not overlap.
public struct AveragePooling {
    let stride: [Int]

    public init(stride: [Int]) { self.stride = stride }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try call(
            stride.count == 2 ? "aten::avg_pool2d" : "aten::avg_pool3d", "", .tensor(x), .ints(stride), .ints(stride))
    }
}
