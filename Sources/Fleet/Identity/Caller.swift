/// Who makes a call, as the connection or the call's signature proves it.
public enum Caller: Sendable, Hashable {
    /// A site with a client certificate; the name is the certificate's.
    case certificate(name: String)
    /// A node that signed the call with its key.
    case key(SigningKey)
    case anonymous
}

/// The name of a site: letters, digits, and `-_.` within, at most 64. It is safe as the name of a file or folder.
public struct SiteName: Sendable, Hashable, Codable, CustomStringConvertible {
    public let description: String

    public init?(_ text: String) {
        func isPlain(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard (1...64).contains(text.utf8.count), isPlain(text.utf8.first!),
            text.utf8.allSatisfy({ isPlain($0) || [45, 46, 95].contains($0) })
        else { return nil }
        description = text
    }
}
