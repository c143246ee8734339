import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SigningKey {
    /// Reads a public key as people have it: PEM, or OpenSSH's line `ecdsa-sha2-nistp384 AAAA… comment`.
    ///
    /// - Throws: `FleetError.key`, also where it is a private key.
    public init(text: String) throws {
        if text.contains("PRIVATE KEY-----") {
            throw FleetError.key("it is a private key, which never leaves its machine; give the public half")
        }
        guard !text.contains("-----BEGIN") else {
            self = try SigningKey(pem: text)
            return
        }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count >= 2, words[0] == Self.openSSHType, text.utf8.count <= 4096,
            let blob = Data(base64Encoded: String(words[1])), let fields = Self.fields([UInt8](blob)),
            fields.count == 3, fields[0] == Array(Self.openSSHType.utf8), fields[1] == Array("nistp384".utf8),
            let key = try? P384.Signing.PublicKey(x963Representation: fields[2])
        else {
            throw FleetError.key(
                "it is neither PEM nor \(Self.openSSHType), as ssh-keygen -t ecdsa -b 384 makes it")
        }
        self.init(key)
    }

    private static let openSSHType = "ecdsa-sha2-nistp384"

    /// The fields of RFC 4251: a length of four bytes before each. Nil where lengths and bytes do not fit.
    private static func fields(_ blob: [UInt8]) -> [[UInt8]]? {
        var fields: [[UInt8]] = []
        var rest = blob[...]
        while !rest.isEmpty {
            guard rest.count >= 4 else { return nil }
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard rest.count >= length else { return nil }
            fields.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return fields
    }
}
