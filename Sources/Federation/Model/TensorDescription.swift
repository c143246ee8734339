/// What a tensor is, without its values.
public struct TensorDescription: Sendable, Hashable, Codable {
    public var name: String
    public var shape: [Int]
    public var type: ScalarType

    public init(name: String, shape: [Int], type: ScalarType = .float32) {
        self.name = name
        self.shape = shape
        self.type = type
    }

    public var count: Int { shape.reduce(1, *) }
    public var byteCount: Int { count * type.byteCount }
}
