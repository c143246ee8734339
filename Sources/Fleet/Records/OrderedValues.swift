/// Values by name, in the order in which they were set.
public struct OrderedValues<Value: Sendable>: Sendable, ExpressibleByDictionaryLiteral {
    public private(set) var items: [(name: String, value: Value)] = []
    private var positions: [String: Int] = [:]

    public init() {}

    public init(dictionaryLiteral elements: (String, Value)...) { for (name, value) in elements { self[name] = value } }

    public var names: [String] { items.map(\.name) }

    /// Setting nil takes the name away.
    public subscript(name: String) -> Value? {
        get { positions[name].map { items[$0].value } }
        set {
            if let position = positions[name] {
                if let newValue {
                    items[position].value = newValue
                } else {
                    items.remove(at: position)
                    positions = Dictionary(uniqueKeysWithValues: items.indices.map { (items[$0].name, $0) })
                }
            } else if let newValue {
                positions[name] = items.count
                items.append((name, newValue))
            }
        }
    }

    /// - Throws: `FleetError.record` where the name is taken.
    mutating func add(_ name: String, _ value: Value) throws {
        guard positions[name] == nil else { throw FleetError.record("a record holds a name twice") }
        self[name] = value
    }
}

extension OrderedValues: Equatable where Value: Equatable {
    public static func == (a: Self, b: Self) -> Bool {
        a.names == b.names && zip(a.items, b.items).allSatisfy { $0.value == $1.value }
    }
}
