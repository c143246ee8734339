/// A model's tensors as a plain value: ordered names, shapes, types and bytes, each tensor once.
///
/// Little-endian, in C order. Copies share their bytes.
public struct Weights: Sendable {
    public struct Tensor: Sendable {
        public let description: TensorDescription
        public let storage: TensorStorage

        /// The storage must have exactly the bytes of the description.
        public init(_ description: TensorDescription, storage: TensorStorage) {
            precondition(storage.bytes.count == description.byteCount, "\(description.name) has other bytes than shape")
            self.description = description
            self.storage = storage
        }

        public var name: String { description.name }
        public var shape: [Int] { description.shape }
        public var bytes: UnsafeRawBufferPointer { storage.bytes }

        public func renamed(_ name: String) -> Tensor {
            Tensor(TensorDescription(name: name, shape: shape, type: description.type), storage: storage)
        }
    }

    public private(set) var tensors: [Tensor] = []
    private var positions: [String: Int] = [:]

    public init() {}

    /// A tensor of a name that is there already takes its place.
    public init(_ tensors: some Sequence<Tensor>) { for tensor in tensors { set(tensor) } }

    public mutating func set(_ tensor: Tensor) {
        if let position = positions[tensor.name] {
            tensors[position] = tensor
        } else {
            positions[tensor.name] = tensors.count
            tensors.append(tensor)
        }
    }

    public subscript(name: String) -> Tensor? { positions[name].map { tensors[$0] } }

    public var names: [String] { tensors.map(\.name) }
    public var descriptions: [TensorDescription] { tensors.map(\.description) }
    public var byteCount: Int { tensors.reduce(0) { $0 + $1.bytes.count } }

    /// Only the named tensors, in the order that they have here.
    public func keeping(_ isKept: (String) -> Bool) -> Weights { Weights(tensors.filter { isKept($0.name) }) }

    /// These weights, with the other's values where it has a tensor of the same name and shape.
    public func replacing(with other: Weights) -> Weights {
        Weights(
            tensors.map { tensor in
                guard let value = other[tensor.name], value.description == tensor.description else { return tensor }
                return value
            })
    }
}

extension Weights: Equatable {
    /// Whether names, order, shapes, types and every bit are equal.
    public static func == (a: Weights, b: Weights) -> Bool {
        a.descriptions == b.descriptions && zip(a.tensors, b.tensors).allSatisfy { $0.bytes.elementsEqual($1.bytes) }
    }
}

extension Weights.Tensor {
    /// A float32 tensor; as many values as the shape holds.
    public init(_ name: String, _ values: [Float], shape: [Int]) {
        let storage = TensorStorage(byteCount: values.count * 4) { buffer in
            values.withUnsafeBytes { buffer.copyMemory(from: $0) }
        }
        self.init(TensorDescription(name: name, shape: shape), storage: storage)
    }

    /// The values of a float32 tensor; nil for other types.
    public var floats: [Float]? {
        description.type == .float32 ? Array(bytes.assumingMemoryBound(to: Float.self)) : nil
    }
}

extension Weights {
    /// Float32 tensors minus those of the same name; others stay as they are.
    public func minus(_ other: Weights) -> Weights {
        Weights(
            tensors.map { tensor in
                guard let b = other[tensor.name], b.description == tensor.description,
                    tensor.description.type == .float32
                else { return tensor }
                let (x, y) = (
                    tensor.bytes.assumingMemoryBound(to: Float.self), b.bytes.assumingMemoryBound(to: Float.self)
                )
                let storage = TensorStorage(byteCount: tensor.bytes.count) { buffer in
                    let difference = buffer.bindMemory(to: Float.self)
                    for i in difference.indices { difference[i] = x[i] - y[i] }
                }
                return Tensor(tensor.description, storage: storage)
            })
    }
}
