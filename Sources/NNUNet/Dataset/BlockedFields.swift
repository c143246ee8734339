#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Fields of patients that are taken out of a dataset's description before anything reads it, by their names; capitals and `-`
/// for `_` make no difference.
public struct BlockedFields: Sendable, Equatable {
    private var names: Set<String> = []

    public init(_ names: some Sequence<String> = []) { self.names = Set(names.map(Self.key)) }

    public var isEmpty: Bool { names.isEmpty }

    public func contains(_ name: String) -> Bool { names.contains(Self.key(name)) }

    public mutating func formUnion(_ other: Self) { names.formUnion(other.names) }

    private static func key(_ name: String) -> String {
        String(name.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 })
    }

    /// Without the fields, at any depth; but names of channels and labels are no fields of patients.
    public func removed(from object: JSONObject) -> JSONObject {
        JSONObject(
            object.pairs.compactMap { key, value in
                if ["channel_names", "modality", "labels"].contains(key) { return (key, value) }
                return contains(key) ? nil : (key, removed(from: value))
            })
    }

    private func removed(from value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object): .object(removed(from: object))
        case .array(let values): .array(values.map(removed))
        default: value
        }
    }
}

extension DatasetDescription {
    /// - Parameter blocked: fields of the file that are not read.
    public init(contentsOf url: URL, without blocked: BlockedFields) throws {
        let whole = try DatasetDescription(contentsOf: url)
        self = blocked.isEmpty ? whole : try DatasetDescription(json: blocked.removed(from: whole.json))
    }
}
