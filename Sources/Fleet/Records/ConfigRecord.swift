import SwiftProtobuf

/// Settings by name.
public typealias ConfigRecord = OrderedValues<ConfigValue>

/// A setting, or a list of settings of one type. Python's `int` is an `int` here, and `uint` beyond Int64.
public enum ConfigValue: Sendable, Equatable {
    case double(Double)
    case int(Int64)
    case uint(UInt64)
    case bool(Bool)
    case string(String)
    case bytes([UInt8])
    case doubles([Double])
    case ints([Int64])
    case uints([UInt64])
    case bools([Bool])
    case strings([String])
    case byteStrings([[UInt8]])
}

extension OrderedValues where Value == ConfigValue {
    var object: FleetObject {
        get throws {
            var record = Flwr_Proto_ConfigRecord()
            record.items = items.map { name, value in
                var item = Flwr_Proto_ConfigRecord.Item()
                item.key = name
                switch value {
                case .double(let value): item.value.double = value
                case .int(let value): item.value.sint64 = value
                case .uint(let value): item.value.uint64 = value
                case .bool(let value): item.value.bool = value
                case .string(let value): item.value.string = value
                case .bytes(let value): item.value.bytes = ProtobufBytes.data(value)
                case .doubles(let values): item.value.doubleList.vals = values
                case .ints(let values): item.value.sintList.vals = values
                case .uints(let values): item.value.uintList.vals = values
                case .bools(let values): item.value.boolList.vals = values
                case .strings(let values): item.value.stringList.vals = values
                case .byteStrings(let values): item.value.bytesList.vals = values.map(ProtobufBytes.data)
                }
                return item
            }
            return FleetObject(.configRecord, body: try record.serializedBytes())
        }
    }

    init(body: [UInt8]) throws {
        self.init()
        let record: Flwr_Proto_ConfigRecord = try ProtobufBytes.parse(body)
        for item in record.items {
            switch item.value.value {
            case .double(let value): try add(item.key, .double(value))
            case .sint64(let value): try add(item.key, .int(value))
            case .uint64(let value): try add(item.key, .uint(value))
            case .bool(let value): try add(item.key, .bool(value))
            case .string(let value): try add(item.key, .string(value))
            case .bytes(let value): try add(item.key, .bytes([UInt8](value)))
            case .doubleList(let list): try add(item.key, .doubles(list.vals))
            case .sintList(let list): try add(item.key, .ints(list.vals))
            case .uintList(let list): try add(item.key, .uints(list.vals))
            case .boolList(let list): try add(item.key, .bools(list.vals))
            case .stringList(let list): try add(item.key, .strings(list.vals))
            case .bytesList(let list): try add(item.key, .byteStrings(list.vals.map { [UInt8]($0) }))
            case nil: throw FleetError.record("a setting has no value")
            }
        }
    }
}
