import Imaging
import Torch

/// A network's parameters as a plain value: what leaves the thread that holds the tensors.
public struct Weights: Sendable, Equatable {
    /// Names of the state dict, in its order, each tensor once.
    public private(set) var names: [String] = []
    private var values: [String: Volume<Float>] = [:]

    public init() {}

    public init(_ entries: [(name: String, value: Volume<Float>)]) {
        for (name, value) in entries { self[name] = value }
    }

    public subscript(name: String) -> Volume<Float>? {
        get { values[name] }
        set {
            if let newValue {
                if values.updateValue(newValue, forKey: name) == nil { names.append(name) }
            } else if values.removeValue(forKey: name) != nil {
                names.removeAll { $0 == name }
            }
        }
    }
}

extension ParameterStore {
    /// A copy of all parameters.
    public func weights() throws -> Weights {
        Weights(try zip(names, parameters).map { (name: $0, value: try $1.volume()) })
    }

    /// Overwrites parameters; names and shapes must be exactly this network's.
    ///
    /// - Parameter keeping: parameters that stay as they are and may be missing, or of other shapes.
    public func assign(_ weights: Weights, from file: String, keeping: (String) -> Bool = { _ in false }) throws {
        for (name, parameter) in zip(names, parameters) where !keeping(name) {
            guard let value = weights[name] else {
                throw LearningError.foreignCheckpoint(file: file, fact: "it has no \(name)")
            }
            guard value.shape == parameter.shape else {
                throw LearningError.foreignCheckpoint(
                    file: file, fact: "\(name) is \(value.shape) there and \(parameter.shape) here")
            }
        }
        if let stranger = weights.names.first(where: { self[$0] == nil && !keeping($0) }) {
            throw LearningError.foreignCheckpoint(file: file, fact: "it has \(stranger), which this network has not")
        }
        for (name, parameter) in zip(names, parameters) where !keeping(name) {
            try weights[name]?.elements.withUnsafeBytes { try parameter.assign($0) }
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
