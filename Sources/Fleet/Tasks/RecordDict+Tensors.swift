import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension OrderedValues where Value == Record {
    /// Tensors as `arrays`, or packed with their layout in `cohort-layout`.
    mutating func set(_ tensors: any TensorSource, packs: Bool) throws {
        guard packs else {
            self["arrays"] = .arrays(ArrayRecord(tensors))
            return
        }
        let packed = try PackedTensors(tensors)
        self["arrays"] = .arrays(ArrayRecord(packed))
        self["cohort-layout"] = .config(packed.layout)
    }

    /// The one record of arrays, unpacked where it was packed; a Python app names it as it likes.
    func tensors() throws -> any TensorSource {
        let records = items.compactMap { if case .arrays(let record) = $0.value { record } else { nil } }
        guard records.count == 1 else { throw FleetError.record("a message has \(records.count) records of arrays") }
        guard let layout = config("cohort-layout") else { return records[0].tensors }
        return try UnpackedTensors(records[0].tensors, layout: layout)
    }
}

extension OrderedValues where Value == ConfigValue {
    func int(_ name: String) throws -> Int? {
        switch self[name] {
        case .int(let value): return Int(value)
        case nil: return nil
        default: throw FleetError.record("\(name) is no whole number")
        }
    }

    func double(_ name: String) throws -> Double? {
        switch self[name] {
        case .double(let value): return value
        case .int(let value): return Double(value)
        case nil: return nil
        default: throw FleetError.record("\(name) is no number")
        }
    }

    func string(_ name: String) throws -> String? {
        switch self[name] {
        case .string(let value): return value
        case nil: return nil
        default: throw FleetError.record("\(name) is no text")
        }
    }

    /// An empty list has no type of its own in Python's records.
    func strings(_ name: String) throws -> [String] {
        switch self[name] {
        case .strings(let values): return values
        case .bools(let values) where values.isEmpty: return []
        default: throw FleetError.record("\(name) is no list of names")
        }
    }

    func bytes(_ name: String) throws -> [UInt8]? {
        switch self[name] {
        case .bytes(let value): return value
        case nil: return nil
        default: throw FleetError.record("\(name) is no bytes")
        }
    }

    func payload() throws -> Data {
        guard let bytes = try bytes("cohort-payload") else { throw FleetError.record("a message has no payload") }
        return Data(bytes)
    }
}
