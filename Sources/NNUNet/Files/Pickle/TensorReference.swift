/// A PyTorch tensor in a checkpoint: a view of a storage. Tensors that name the same storage share memory.
public struct TensorReference: Sendable, Equatable {
    public var storage: TensorStorage
    /// Where the first element lies, in elements.
    public var offset: Int
    public var shape: [Int]
    /// In elements, one per axis.
    public var strides: [Int]
    public var requiresGradient: Bool
    /// Element type; it differs from the storage's only where that is untyped.
    public var type: NumericType

    /// A tensor that is its storage, whole and in C order.
    public init(storage: TensorStorage, shape: [Int], requiresGradient: Bool = false) {
        self.storage = storage
        offset = 0
        self.shape = shape
        strides = Self.contiguousStrides(of: shape)
        self.requiresGradient = requiresGradient
        type = storage.type
    }

    /// A view of a storage; nil where it reaches out of it.
    init?(
        storage: TensorStorage, offset: Int, shape: [Int], strides: [Int], requiresGradient: Bool, type: NumericType
    ) {
        guard shape.count == strides.count, shape.count <= 64, offset >= 0, let count = elementCount(of: shape),
            strides.allSatisfy({ $0 >= 0 }), let available = storage.type.byteCount(of: [storage.count])
        else { return nil }
        if count > 0 {
            var last = offset
            for (size, stride) in zip(shape, strides) {
                let (reach, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
                let (sum, overflowToo) = last.addingReportingOverflow(reach)
                if overflow || overflowToo { return nil }
                last = sum
            }
            // An expanded tensor (stride 0) may be far larger than its storage; such a one is not a weight.
            guard last < available / type.byteCount, count <= available / type.byteCount else { return nil }
        }
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.strides = strides
        self.requiresGradient = requiresGradient
        self.type = type
    }

    /// Whether the elements lie in C order without gaps. Strides of axes of one element say nothing.
    var isContiguous: Bool {
        if shape.contains(0) { return true }
        return zip(zip(shape, strides), Self.contiguousStrides(of: shape)).allSatisfy { $0.0.0 == 1 || $0.0.1 == $0.1 }
    }

    /// Empty axes count as one element, as in PyTorch.
    private static func contiguousStrides(of shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in stride(from: shape.count - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1)
        }
        return strides
    }
}

/// A block of elements beside the pickle: the entry `data/<key>` of a checkpoint.
public struct TensorStorage: Sendable, Equatable {
    public var key: String
    public var type: NumericType
    /// Of elements.
    public var count: Int
    /// Where it lay when it was saved, such as "cpu" or "cuda:0".
    public var location: String

    public init(key: String, type: NumericType, count: Int, location: String = "cpu") {
        self.key = key
        self.type = type
        self.count = count
        self.location = location
    }
}
