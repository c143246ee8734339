import Federation
import Imaging
import NNUNet
import Torch

extension ParameterStore {
    /// A copy of all parameters: what leaves the thread that holds the tensors.
    public func weights() throws -> Weights {
        Weights(try zip(names, parameters).map { Weights.Tensor($0, try $1.array(), shape: $1.shape) })
    }

    /// Overwrites parameters; names and shapes must be exactly this network's.
    ///
    /// - Parameter keeping: parameters that stay as they are and may be missing, or of other shapes.
    public func assign(_ weights: Weights, from file: String, keeping: (String) -> Bool = { _ in false }) throws {
        for (name, parameter) in zip(names, parameters) where !keeping(name) {
            guard let value = weights[name] else {
                throw LearningError.foreignCheckpoint(file: file, fact: "it has no \(name)")
            }
            guard value.shape == parameter.shape, value.description.type == .float32 else {
                throw LearningError.foreignCheckpoint(
                    file: file,
                    fact:
                        "\(name) is \(value.shape) of \(value.description.type.rawValue) there and \(parameter.shape) here"
                )
            }
        }
        if let stranger = weights.names.first(where: { self[$0] == nil && !keeping($0) }) {
            throw LearningError.foreignCheckpoint(file: file, fact: "it has \(stranger), which this network has not")
        }
        for (name, parameter) in zip(names, parameters) where !keeping(name) {
            if let value = weights[name] { try parameter.assign(value.bytes) }
        }
    }
}

extension Tensor {
    /// The elements as a plain value.
    func volume() throws -> Volume<Float> { Volume(shape: shape, elements: try array()) }

    convenience init(_ volume: Volume<Float>, on device: Device = .cpu) throws {
        try self.init(volume.elements, shape: volume.shape, on: device)
    }
}

extension Weights {
    /// The weights of a checkpoint, as float32.
    public init(_ checkpoint: NNUNetCheckpoint, file: String) throws {
        self.init(
            try checkpoint.weights.map { tensor in
                guard let values: [Float] = tensor.array.elements() ?? tensor.array.doubles()?.map({ Float($0) }) else {
                    throw LearningError.foreignCheckpoint(file: file, fact: "\(tensor.name) is not of real numbers")
                }
                return Tensor(tensor.name, values, shape: tensor.array.shape)
            })
    }
}
