import Crypto
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A private key on P-384, the only kind that Cohort makes: one key serves TLS and Flower's signatures.
public struct PrivateKey: Sendable {
    package let key: P384.Signing.PrivateKey

    public init() { key = P384.Signing.PrivateKey() }

    /// Reads a PKCS#8 key in PEM, encrypted (PBES2) or not.
    ///
    /// - Parameter passphrase: asked for only where the key is encrypted; nil where there is none.
    /// - Throws: `ProvisioningError.key`.
    public init(pem: String, name: String = "the key", passphrase: () throws -> String? = { nil }) throws {
        guard let document = try? PEMDocument(pemString: pem) else {
            throw ProvisioningError.key("\(name) is no key in PEM; is it the right file?")
        }
        if document.discriminator == EncryptedPrivateKey.pemDiscriminator {
            guard let passphrase = try passphrase() else {
                throw ProvisioningError.key(
                    "\(name) is encrypted; give its passphrase, in COHORT_PASSPHRASE or --passphrase-file")
            }
            let decrypted = try EncryptedPrivateKey(derEncoded: document.derBytes, name: name)
                .decrypt(passphrase, name: name)
            guard let key = try? P384.Signing.PrivateKey(derRepresentation: decrypted) else {
                throw ProvisioningError.key("\(name): the passphrase is wrong")
            }
            self.key = key
            return
        }
        guard let key = try? P384.Signing.PrivateKey(pemRepresentation: pem) else {
            throw ProvisioningError.key("\(name) is no key on P-384; Cohort uses no others, make a new one")
        }
        self.key = key
    }

    /// Reads a key file, which nobody but its owner may read.
    public init(contentsOf url: URL, passphrase: () throws -> String? = { nil }) throws {
        try DurableFile.checkIsSecret(url)
        let text = String(decoding: try DurableFile.read(url, upTo: 1 << 16), as: UTF8.self)
        try self.init(pem: text, name: url.lastPathComponent, passphrase: passphrase)
    }

    /// PKCS#8 in PEM, encrypted where there is a passphrase.
    public func pem(passphrase: String? = nil) throws -> String {
        guard let passphrase else { return key.pemRepresentation + "\n" }
        let encrypted = try EncryptedPrivateKey(encrypting: Array(key.derRepresentation), passphrase: passphrase)
        return try PEMDocument(
            type: EncryptedPrivateKey.pemDiscriminator, derBytes: encrypted.derBytes
        ).pemString + "\n"
    }

    /// Writes a key file with mode 0600.
    public func write(to url: URL, passphrase: String? = nil) throws {
        try DurableFile.write(pem(passphrase: passphrase), to: url, mode: .secret)
    }

    package var certificateKey: Certificate.PrivateKey { Certificate.PrivateKey(key) }
    package var publicKey: Certificate.PublicKey { Certificate.PublicKey(key.publicKey) }
}
