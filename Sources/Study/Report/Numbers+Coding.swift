// JSON has no NaN and no infinity, and one of them would make a line that no reader takes.

extension KeyedEncodingContainer {
    /// Writes what is not finite as `null`.
    mutating func encode(numbers: [String: Double], forKey key: Key) throws {
        try encode(numbers.mapValues { $0.isFinite ? $0 : nil }, forKey: key)
    }
}

extension KeyedDecodingContainer {
    /// Reads `null` as NaN; a key that is missing is an empty dictionary.
    func decodeNumbers(forKey key: Key) throws -> [String: Double] {
        try (decodeIfPresent([String: Double?].self, forKey: key) ?? [:]).mapValues { $0 ?? .nan }
    }
}
