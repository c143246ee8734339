#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// JSON as people read it: indented, keys sorted, so that equal values are equal files.
enum JSONText {
    static func encode(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        // Names, numbers, dates and lists of them: nothing that JSON cannot hold.
        guard let data = try? encoder.encode(value) else { preconditionFailure("a value that JSON cannot hold") }
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    /// - Throws: `ProvisioningError.file`, which says what a file of that kind is.
    static func decode<Value: Decodable>(_ type: Value.Type, _ data: Data, file: String, what: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            return try decoder.decode(type, from: data)
        } catch {
            throw ProvisioningError.file(file, reason: "is no \(what), or one of another version; ask for it again")
        }
    }
}
