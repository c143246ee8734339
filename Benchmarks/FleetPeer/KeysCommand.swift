import ArgumentParser
import Crypto
import Fleet
import Foundation

/// Makes the signing keys of sites without certificates.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Makes signing keys, NAME.key and NAME.pub, in a folder.")

    @Option var folder: String
    @Argument var names: [String]

    func run() throws {
        try FileManager.default.createDirectory(at: URL(filePath: folder), withIntermediateDirectories: true)
        for name in names {
            let key = try SigningKeyFile.read("\(folder)/\(name).key", orMake: true)
            try SigningKey(key.publicKey).pem.write(
                to: URL(filePath: "\(folder)/\(name).pub"), atomically: true, encoding: .utf8)
        }
    }
}

/// A private key of P-384 in PEM.
enum SigningKeyFile {
    static func read(_ path: String, orMake: Bool) throws -> P384.Signing.PrivateKey {
        if orMake, !FileManager.default.fileExists(atPath: path) {
            guard
                FileManager.default.createFile(
                    atPath: path, contents: Data((P384.Signing.PrivateKey().pemRepresentation + "\n").utf8),
                    attributes: [.posixPermissions: 0o600])
            else { throw ValidationError("\(path) cannot be written.") }
        }
        return try P384.Signing.PrivateKey(pemRepresentation: text(path))
    }

    /// The public keys of a folder, by the names of their files.
    static func registered(in folder: String) throws -> [(name: SiteName, key: SigningKey)] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted().filter { $0.hasSuffix(".pub") }.map {
            guard let name = SiteName(String($0.dropLast(4))) else { throw ValidationError("\($0) is no site's name.") }
            return (name, try SigningKey(pem: text("\(folder)/\($0)")))
        }
    }
}
