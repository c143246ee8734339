import ArgumentParser
import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A key that signs a site's calls, in PEM.
enum NodeKeyFile {
    /// - Parameter orMake: a new one where there is none, which only its owner may read.
    static func read(_ file: URL, orMake: Bool) throws -> P384.Signing.PrivateKey {
        if orMake, !FileManager.default.fileExists(atPath: file.path) {
            let key = P384.Signing.PrivateKey()
            guard
                FileManager.default.createFile(
                    atPath: file.path, contents: Data(key.pemRepresentation.utf8),
                    attributes: [.posixPermissions: 0o600])
            else { throw ValidationError("\(file.path) cannot be written.") }
            return key
        }
        return try P384.Signing.PrivateKey(pemRepresentation: String(contentsOf: file, encoding: .utf8))
    }
}
