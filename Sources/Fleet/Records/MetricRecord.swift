import SwiftProtobuf

/// Figures by name.
public typealias MetricRecord = OrderedValues<MetricValue>

/// A number, or a list of numbers. Python's `int` is an `int` here, and `uint` beyond Int64.
public enum MetricValue: Sendable, Equatable {
    case double(Double)
    case int(Int64)
    case uint(UInt64)
    case doubles([Double])
    case ints([Int64])
    case uints([UInt64])

    /// The number, whatever its type; nil for lists.
    public var number: Double? {
        switch self {
        case .double(let value): value
        case .int(let value): Double(value)
        case .uint(let value): Double(value)
        case .doubles, .ints, .uints: nil
        }
    }
}

extension OrderedValues where Value == MetricValue {
    var object: FleetObject {
        get throws {
            var record = Flwr_Proto_MetricRecord()
            record.items = items.map { name, value in
                var item = Flwr_Proto_MetricRecord.Item()
                item.key = name
                switch value {
                case .double(let value): item.value.double = value
                case .int(let value): item.value.sint64 = value
                case .uint(let value): item.value.uint64 = value
                case .doubles(let values): item.value.doubleList.vals = values
                case .ints(let values): item.value.sintList.vals = values
                case .uints(let values): item.value.uintList.vals = values
                }
                return item
            }
            return FleetObject(.metricRecord, body: try record.serializedBytes())
        }
    }

    init(body: [UInt8]) throws {
        self.init()
        let record: Flwr_Proto_MetricRecord = try ProtobufBytes.parse(body)
        for item in record.items {
            switch item.value.value {
            case .double(let value): try add(item.key, .double(value))
            case .sint64(let value): try add(item.key, .int(value))
            case .uint64(let value): try add(item.key, .uint(value))
            case .doubleList(let list): try add(item.key, .doubles(list.vals))
            case .sintList(let list): try add(item.key, .ints(list.vals))
            case .uintList(let list): try add(item.key, .uints(list.vals))
            case nil: throw FleetError.record("a metric has no value")
            }
        }
    }
}
