// The operations that networks, losses and inference need, under PyTorch's names. What is not here is one `call` away.
extension Tensor {
    // MARK: Arithmetic

    public static func + (a: Tensor, b: Tensor) throws -> Tensor {
        try call("aten::add", "Tensor", .tensor(a), .tensor(b))
    }
    public static func - (a: Tensor, b: Tensor) throws -> Tensor {
        try call("aten::sub", "Tensor", .tensor(a), .tensor(b))
    }
    public static func * (a: Tensor, b: Tensor) throws -> Tensor {
        try call("aten::mul", "Tensor", .tensor(a), .tensor(b))
    }
    public static func / (a: Tensor, b: Tensor) throws -> Tensor {
        try call("aten::div", "Tensor", .tensor(a), .tensor(b))
    }
    public static func + (a: Tensor, b: Double) throws -> Tensor {
        try call("aten::add", "Scalar", .tensor(a), .double(b))
    }
    public static func - (a: Tensor, b: Double) throws -> Tensor {
        try call("aten::sub", "Scalar", .tensor(a), .double(b))
    }
    public static func * (a: Tensor, b: Double) throws -> Tensor {
        try call("aten::mul", "Scalar", .tensor(a), .double(b))
    }
    public static func / (a: Tensor, b: Double) throws -> Tensor {
        try call("aten::div", "Scalar", .tensor(a), .double(b))
    }
    public func negated() throws -> Tensor { try call("aten::neg", "", .tensor(self)) }
    public func log() throws -> Tensor { try call("aten::log", "", .tensor(self)) }
    public func exp() throws -> Tensor { try call("aten::exp", "", .tensor(self)) }

    /// Adds in place.
    public func add_(_ other: Tensor, alpha: Double = 1) throws {
        try callAll("aten::add_", "Tensor", [.tensor(self), .tensor(other), .double(alpha)])
    }
    public func mul_(_ factor: Double) throws { try callAll("aten::mul_", "Scalar", [.tensor(self), .double(factor)]) }
    public func copy_(_ other: Tensor) throws { try callAll("aten::copy_", "", [.tensor(self), .tensor(other)]) }
    public func zero_() throws { try callAll("aten::zero_", "", [.tensor(self)]) }

    /// Keeps values within bounds; a bound that is left out does not bind.
    public func clamped(min: Double? = nil, max: Double? = nil) throws -> Tensor {
        try call(
            "aten::clamp", "", .tensor(self), min.map(OperatorArgument.double) ?? .none,
            max.map(OperatorArgument.double) ?? .none)
    }

    // MARK: Comparison

    public func equal(to value: Int) throws -> Tensor { try call("aten::eq", "Scalar", .tensor(self), .int(value)) }
    public func notEqual(to value: Int) throws -> Tensor { try call("aten::ne", "Scalar", .tensor(self), .int(value)) }
    public func equal(to other: Tensor) throws -> Tensor {
        try call("aten::eq", "Tensor", .tensor(self), .tensor(other))
    }
    public func greater(than value: Double) throws -> Tensor {
        try call("aten::gt", "Scalar", .tensor(self), .double(value))
    }
    public func logicalNot() throws -> Tensor { try call("aten::logical_not", "", .tensor(self)) }
    public func logicalAnd(_ other: Tensor) throws -> Tensor {
        try call("aten::logical_and", "", .tensor(self), .tensor(other))
    }
    public func maskedFill(_ mask: Tensor, with value: Double) throws -> Tensor {
        try call("aten::masked_fill", "Scalar", .tensor(self), .tensor(mask), .double(value))
    }
    public func isFinite() throws -> Tensor { try call("aten::isfinite", "", .tensor(self)) }

    // MARK: Reduction

    public func sum() throws -> Tensor { try call("aten::sum", "", .tensor(self)) }
    public func sum(dims: [Int], keepDims: Bool = false, dtype: DType? = nil) throws -> Tensor {
        try call(
            "aten::sum", "dim_IntList", .tensor(self), .ints(dims), .bool(keepDims),
            dtype.map(OperatorArgument.dtype) ?? .none)
    }
    public func mean() throws -> Tensor { try call("aten::mean", "", .tensor(self)) }
    public func mean(dims: [Int], keepDims: Bool = false) throws -> Tensor {
        try call("aten::mean", "dim", .tensor(self), .ints(dims), .bool(keepDims))
    }
    public func argmax(dim: Int, keepDim: Bool = false) throws -> Tensor {
        try call("aten::argmax", "", .tensor(self), .int(dim), .bool(keepDim))
    }
    public func all() throws -> Tensor { try call("aten::all", "", .tensor(self)) }

    // MARK: Shape

    public func reshaped(_ shape: [Int]) throws -> Tensor { try call("aten::reshape", "", .tensor(self), .ints(shape)) }
    public func flattened(from start: Int = 0) throws -> Tensor {
        try call("aten::flatten", "using_ints", .tensor(self), .int(start), .int(-1))
    }
    public func unsqueezed(_ dim: Int) throws -> Tensor { try call("aten::unsqueeze", "", .tensor(self), .int(dim)) }
    public func squeezed(_ dim: Int) throws -> Tensor { try call("aten::squeeze", "dim", .tensor(self), .int(dim)) }
    public func permuted(_ dims: [Int]) throws -> Tensor { try call("aten::permute", "", .tensor(self), .ints(dims)) }
    public func narrowed(_ dim: Int, from start: Int, count: Int) throws -> Tensor {
        try call("aten::narrow", "", .tensor(self), .int(dim), .int(start), .int(count))
    }
    public func flipped(_ dims: [Int]) throws -> Tensor { try call("aten::flip", "", .tensor(self), .ints(dims)) }
    public func contiguous() throws -> Tensor { try call("aten::contiguous", "", .tensor(self)) }
    public func clone() throws -> Tensor { try call("aten::clone", "", .tensor(self)) }
    public static func concatenated(_ tensors: [Tensor], dim: Int) throws -> Tensor {
        try call("aten::cat", "", .tensors(tensors), .int(dim))
    }
    public static func stacked(_ tensors: [Tensor], dim: Int) throws -> Tensor {
        try call("aten::stack", "", .tensors(tensors), .int(dim))
    }
    public func gathered(dim: Int, index: Tensor) throws -> Tensor {
        try call("aten::gather", "", .tensor(self), .int(dim), .tensor(index))
    }
    public func scattered(dim: Int, index: Tensor, value: Double) throws -> Tensor {
        try call("aten::scatter", "value", .tensor(self), .int(dim), .tensor(index), .double(value))
    }
    /// The `count` largest elements of the only axis.
    public func largest(_ count: Int) throws -> Tensor {
        try callAll("aten::topk", "", [.tensor(self), .int(count), .int(-1), .bool(true), .bool(false)])[0]
    }

    // MARK: Networks

    public func softmax(dim: Int) throws -> Tensor { try call("aten::softmax", "int", .tensor(self), .int(dim)) }
    public func logSoftmax(dim: Int) throws -> Tensor { try call("aten::log_softmax", "int", .tensor(self), .int(dim)) }
    public func sigmoid() throws -> Tensor { try call("aten::sigmoid", "", .tensor(self)) }
    public func leakyReLU(slope: Double) throws -> Tensor {
        try call("aten::leaky_relu", "", .tensor(self), .double(slope))
    }
    public func leakyReLU_(slope: Double) throws -> Tensor {
        try call("aten::leaky_relu_", "", .tensor(self), .double(slope))
    }

    // MARK: Autograd

    /// Marks a leaf whose gradient `backward` computes.
    @discardableResult
    public func requireGrad(_ on: Bool = true) throws -> Tensor {
        try check(ct.set_requires_grad(handle, on))
        return self
    }
    public func backward() throws { try check(ct.backward(handle)) }
    /// What `backward` left here, or nil where it never came by.
    public func gradient() throws -> Tensor? { try !ct.has_grad(handle) ? nil : Tensor(owning: ct.grad(handle)) }
    /// Puts a gradient of the same shape here, in place of what `backward` left.
    public func setGradient(_ gradient: Tensor) throws { try check(ct.set_grad(handle, gradient.handle)) }
    public func clearGradient() { ct.clear_grad(handle) }
    public func detached() throws -> Tensor { try call("aten::detach", "", .tensor(self)) }
}
