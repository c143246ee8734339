import Testing
import Torch

struct TensorTests {
    @Test func copiesInAndOut() throws {
        let tensor = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        #expect(tensor.shape == [2, 3])
        #expect(tensor.dtype == .float32)
        #expect(try tensor.array(Float.self) == [1, 2, 3, 4, 5, 6])
        #expect(try tensor.permuted([1, 0]).array(Int64.self) == [1, 4, 2, 5, 3, 6])
    }

    @Test func errorsAreThrownAndNameTheFact() throws {
        let a = try Tensor.zeros([2, 3])
        let b = try Tensor.zeros([4])
        let error = #expect(throws: TorchError.self) { try a + b }
        #expect(String(describing: error).contains("size of tensor a (3)"))
        #expect(throws: TorchError.self) { try Tensor([1, 2] as [Float], shape: [3]) }
        #expect(throws: TorchError.self) { try call("aten::no_such_operator", "", .tensor(a)) }
    }

    @Test func gradients() throws {
        let x = try Tensor([3, 4] as [Float], shape: [2]).requireGrad()
        try (x * x).sum().backward()
        #expect(try x.gradient()?.array(Float.self) == [6, 8])
        #expect(try clipGradientNorm([x], to: 1).item() == 10)
        let clipped = try #require(try x.gradient()).array(Float.self)
        #expect(abs(clipped[0] - 0.6) < 1e-5 && abs(clipped[1] - 0.8) < 1e-5)
        x.clearGradient()
        #expect(try x.gradient() == nil)
        #expect(try noGrad { try x * 2 }.array(Float.self) == [6, 8])
    }

    @Test func autocastShortensConvolutionsOnly() throws {
        let x = try Tensor.full([1, 1, 4, 4], 1)
        let weight = try Tensor.full([1, 1, 3, 3], 1)
        func convolve() throws -> DType { try call("aten::conv2d", "", .tensor(x), .tensor(weight)).dtype }
        #expect(try autocast(.bfloat16, on: .cpu) { try convolve() } == .bfloat16)
        #expect(try convolve() == .float32)
    }

    @Test func tensorsAreReleased() throws {
        func work() throws {
            for _ in 0..<3000 { _ = try (Tensor.zeros([8]) + 1).sum() }
        }
        let before = try liveTensors()
        try work()
        // Other suites hold some hundred tensors beside this one; a leak would leave nine thousand.
        #expect(try liveTensors() <= before + 3000)
    }

    @Test func devices() throws {
        #expect(try Device("cuda:2") == .cuda(2))
        #expect(throws: TorchError.self) { try Device("gpu") }
        #expect(throws: TorchError.self) { try Device.cuda(Device.cudaCount()).checkAvailable() }
    }
}

/// Optimizers against values that PyTorch 2.13 gave for f(x) = Σ (i+1)·x_i², three steps from (1, -2).
struct OptimizerTests {
    func run(_ make: ([Tensor]) -> any Optimizer) throws -> [Float] {
        let x = try Tensor([1, -2] as [Float], shape: [2]).requireGrad()
        let weights = try Tensor([1, 2] as [Float], shape: [2])
        let optimizer = make([x])
        for _ in 0..<3 {
            x.clearGradient()
            try (x * x * weights).sum().backward()
            try optimizer.step()
        }
        return try x.array()
    }

    func expect(_ values: [Float], _ golden: [Float]) {
        for (value, golden) in zip(values, golden) { #expect(abs(value - golden) < 1e-6) }
    }

    @Test func nesterov() throws {
        expect(
            try run { SGD($0, learningRate: 0.05, momentum: 0.99, weightDecay: 3e-5, nesterov: true) },
            [0.2598714530467987, 0.42381206154823303])
    }
    @Test func plainMomentum() throws {
        expect(
            try run { SGD($0, learningRate: 0.05, momentum: 0.9, weightDecay: 0.1, nesterov: false) },
            [0.4627123475074768, -0.08610975742340088])
    }
    @Test func adam() throws {
        expect(
            try run { Adam($0, learningRate: 0.1, weightDecay: 0.01, decoupled: false, amsgrad: true) },
            [0.7015862464904785, -1.7006233930587769])
    }
    @Test func adamW() throws {
        expect(
            try run { Adam($0, learningRate: 0.1, weightDecay: 0.01, decoupled: true) },
            [0.6989112496376038, -1.6949446201324463])
    }

    @Test func momentumGoesOnAfterARestart() throws {
        func steps(_ x: Tensor, _ optimizer: SGD, _ count: Int) throws {
            for _ in 0..<count {
                x.clearGradient()
                try (x * x).sum().backward()
                try optimizer.step()
            }
        }
        func sgd(_ x: Tensor) -> SGD { SGD([x], learningRate: 0.01, momentum: 0.9, weightDecay: 0, nesterov: true) }
        let whole = try Tensor([1] as [Float], shape: [1]).requireGrad()
        try steps(whole, sgd(whole), 4)
        let halved = try Tensor([1] as [Float], shape: [1]).requireGrad()
        let first = sgd(halved)
        try steps(halved, first, 2)
        let second = sgd(halved)
        try second.restore(first.state())
        try steps(halved, second, 2)
        #expect(try halved.array(Float.self) == whole.array(Float.self))
    }
}
