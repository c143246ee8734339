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

    /// More values no tensor has: so neither their bytes nor those of many tensors are beyond a number.
    public static let mostValues = 1 << 40

    /// Whether `count` may be asked for: a shape that came from elsewhere may hold anything.
    public var isPossible: Bool {
        var count = 1
        for length in shape {
            guard length >= 0 else { return false }
            let (product, isTooMuch) = count.multipliedReportingOverflow(by: length)
            guard !isTooMuch, product <= Self.mostValues else { return false }
            count = product
        }
        return true
    }
}

extension TensorDescription {
    private enum CodingKeys: String, CodingKey { case name, shape, type }

    /// - Throws: `DecodingError` for a shape that no tensor has.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try values.decode(String.self, forKey: .name), shape: try values.decode([Int].self, forKey: .shape),
            type: try values.decode(ScalarType.self, forKey: .type))
        guard isPossible else {
            throw DecodingError.dataCorruptedError(
                forKey: .shape, in: values, debugDescription: "no tensor has the shape \(shape)")
        }
    }
}
