/// Plans and dataset descriptions go into checkpoints as Python values.
extension PickleValue {
    public init(json: JSONValue) {
        switch json {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .string(let value): self = .string(value)
        case .array(let items): self = .list(items.map { PickleValue(json: $0) })
        case .object(let object): self = .dictionary(object.pairs.map { ($0.key, PickleValue(json: $0.value)) })
        }
    }

    /// The JSON that Python's `json.dump` would make of the value: tuples become arrays, keys text; nil for tensors,
    /// bytes and other values that JSON lacks.
    public var json: JSONValue? {
        switch self {
        case .none: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .number(let value): return .number(value)
        case .string(let value): return .string(value)
        case .list(let items), .tuple(let items): return Self.array(items)
        case .scalar(let scalar):
            if scalar.type == .bool { return .bool(scalar.bytes.first != 0) }
            return scalar.integers()?.first.map { .integer($0) } ?? scalar.doubles()?.first.map { .number($0) }
        case .array(let array) where array.shape.count == 1:
            return array.integers().map { .array($0.map { .integer($0) }) }
                ?? array.doubles().map { .array($0.map { .number($0) }) }
        case .dictionary(let dictionary), .orderedDictionary(let dictionary):
            var object = JSONObject()
            for pair in dictionary.pairs {
                guard let key = pair.key.asString ?? pair.key.asInteger.map(String.init), let value = pair.value.json
                else {
                    return nil
                }
                object[key] = value
            }
            return .object(object)
        default: return nil
        }
    }

    private static func array(_ items: [PickleValue]) -> JSONValue? {
        let values = items.compactMap(\.json)
        return values.count == items.count ? .array(values) : nil
    }
}
