/// The parameters of a network in the order in which its layers made them, under the names of its state dict.
public final class ParameterStore {
    public private(set) var names: [String] = []
    private var tensors: [String: Tensor] = [:]
    public let device: Device

    public init(on device: Device = .cpu) { self.device = device }

    /// The root of all paths.
    public var root: Scope { Scope(store: self, path: "") }

    public subscript(name: String) -> Tensor? { tensors[name] }
    public var parameters: [Tensor] { names.map { tensors[$0]! } }

    func add(_ name: String, _ tensor: Tensor) throws -> Tensor {
        guard tensors[name] == nil else { throw TorchError.parameters("two layers are called \(name)") }
        names.append(name)
        tensors[name] = try tensor.requireGrad()
        return tensor
    }
}

/// A place in a network: what layers are built from, so that their names are exactly the state dict's keys.
public struct Scope {
    let store: ParameterStore
    public let path: String

    public static func / (scope: Scope, name: String) -> Scope {
        Scope(store: scope.store, path: scope.path.isEmpty ? name : scope.path + "." + name)
    }

    public static func / (scope: Scope, index: Int) -> Scope { scope / String(index) }

    /// Makes the parameter `name` of this place.
    public func parameter(_ name: String, _ shape: [Int], _ initial: InitialValues) throws -> Tensor {
        let tensor = try Tensor.full(shape, initial == .ones ? 1 : 0)
        if case .normal(let deviation) = initial {
            try callAll("aten::normal_", "", [.tensor(tensor), .double(0), .double(deviation)])
        }
        return try store.add((self / name).path, store.device.isCUDA ? tensor.to(store.device) : tensor)
    }
}

/// How a parameter begins.
public enum InitialValues: Equatable {
    case zeros
    case ones
    /// Normal with this standard deviation, from libtorch's own generator (see `seed`).
    case normal(Double)

    /// He's initialisation for a leaky ReLU of `slope`: He et al. 2015, arXiv:1502.01852, fan-in mode. `weightShape` is a
    /// convolution's (outputs, inputs, kernel…), or a transposed one's with the first two exchanged, as PyTorch counts it.
    public static func kaiming(_ weightShape: [Int], slope: Double) -> InitialValues {
        let fanIn = weightShape.dropFirst().reduce(1, *)
        return .normal((2 / (1 + slope * slope) / Double(fanIn)).squareRoot())
    }
}
