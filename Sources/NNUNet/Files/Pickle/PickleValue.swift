/// Data as a Python pickle holds it: what Cohort reads from and writes to `.pkl` and `.pth`.
public enum PickleValue: Sendable, Equatable {
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case bytes([UInt8])
    case list([PickleValue])
    case tuple([PickleValue])
    case set([PickleValue])
    case dictionary(PickleDictionary)
    /// `collections.OrderedDict`, as state dicts are.
    case orderedDictionary(PickleDictionary)
    /// A NumPy scalar, such as `np.float64(0.5)`: an array of no axes.
    case scalar(NumericArray)
    /// A NumPy array.
    case array(NumericArray)
    /// A PyTorch tensor, whose elements lie in a storage outside of the pickle.
    case tensor(TensorReference)
    /// `torch.device`.
    case device(String)
    /// `torch.Size`.
    case size([Int])
    /// A name that stands for itself and is not called, such as `torch.float32`.
    case global(String)

    /// A NumPy `float64` scalar.
    public static func float64(_ value: Double) -> PickleValue { .scalar(NumericArray([value], shape: [])) }

    /// A dictionary with text keys, in this order.
    public static func dictionary(_ pairs: [(String, PickleValue)]) -> PickleValue {
        .dictionary(PickleDictionary(pairs.map { (.string($0.0), $0.1) }))
    }
}

/// The content of a Python dictionary, in its order.
public struct PickleDictionary: Sendable, Equatable {
    public struct Pair: Sendable, Equatable {
        public var key: PickleValue
        public var value: PickleValue

        public init(key: PickleValue, value: PickleValue) {
            self.key = key
            self.value = value
        }
    }

    public var pairs: [Pair]

    public init(_ pairs: [(PickleValue, PickleValue)] = []) {
        self.pairs = pairs.map { Pair(key: $0.0, value: $0.1) }
    }

    public init(pairs: [Pair]) { self.pairs = pairs }

    /// The last value that was set for the key, as in Python.
    public subscript(key: String) -> PickleValue? { pairs.last { $0.key == .string(key) }?.value }
}

// MARK: What a value is, where only that is of interest

extension PickleValue {
    /// A dictionary of either kind.
    public var asDictionary: PickleDictionary? {
        switch self {
        case .dictionary(let dictionary), .orderedDictionary(let dictionary): dictionary
        default: nil
        }
    }

    /// A list, a tuple or a `torch.Size`.
    public var asSequence: [PickleValue]? {
        switch self {
        case .list(let items), .tuple(let items): items
        case .size(let sizes): sizes.map { .integer($0) }
        default: nil
        }
    }

    public var asString: String? { if case .string(let text) = self { text } else { nil } }

    public var asBool: Bool? {
        switch self {
        case .bool(let value): value
        case .scalar(let scalar) where scalar.type == .bool: scalar.bytes.first != 0
        default: nil
        }
    }

    /// An integer, a Boolean, or a NumPy scalar of an integer type.
    public var asInteger: Int? {
        switch self {
        case .integer(let value): value
        case .bool(let value): value ? 1 : 0
        case .scalar(let scalar): scalar.integers()?.first
        default: nil
        }
    }

    /// Any real number, NumPy scalars included.
    public var asNumber: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        case .bool(let value): value ? 1 : 0
        case .scalar(let scalar): scalar.doubles()?.first
        default: nil
        }
    }

    /// Real numbers: a list, a tuple, or a NumPy array in C order.
    public var asNumbers: [Double]? {
        if case .array(let array) = self { return array.doubles() }
        guard let items = asSequence else { return nil }
        let numbers = items.compactMap(\.asNumber)
        return numbers.count == items.count ? numbers : nil
    }

    /// Integers: a list, a tuple, or a NumPy array in C order.
    public var asIntegers: [Int]? {
        if case .array(let array) = self { return array.integers() }
        guard let items = asSequence else { return nil }
        let integers = items.compactMap(\.asInteger)
        return integers.count == items.count ? integers : nil
    }
}
