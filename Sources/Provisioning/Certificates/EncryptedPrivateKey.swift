import Crypto
import CryptoExtras
import SwiftASN1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// PKCS#8's `EncryptedPrivateKeyInfo` (RFC 5958) under PBES2 (RFC 8018): PBKDF2 with HMAC-SHA256 and AES-256 in CBC mode.
///
/// It is what `openssl pkcs8 -topk8 -v2 aes-256-cbc` writes and BoringSSL reads.
struct EncryptedPrivateKey {
    static let pemDiscriminator = "ENCRYPTED PRIVATE KEY"
    /// OWASP's advice for HMAC-SHA256.
    static let iterations = 600_000
    static let shortestPassphrase = 8

    private var salt: [UInt8]
    private var iterations: Int
    private var initialVector: [UInt8]
    private var encrypted: [UInt8]

    init(encrypting key: [UInt8], passphrase: String) throws {
        guard passphrase.count >= Self.shortestPassphrase else {
            throw ProvisioningError.key(
                "The passphrase is shorter than \(Self.shortestPassphrase) characters; take a longer one")
        }
        var generator = SystemRandomNumberGenerator()
        salt = (0..<16).map { _ in .random(in: 0...255, using: &generator) }
        iterations = Self.iterations
        let vector = AES._CBC.IV()
        initialVector = Array(vector)
        let secret = try Self.secret(passphrase, salt, iterations)
        encrypted = Array(try AES._CBC.encrypt(key, using: secret, iv: vector))
    }

    init(derEncoded bytes: [UInt8], name: String) throws {
        do {
            self = try Self(DER.parse(bytes))
        } catch {
            throw ProvisioningError.key(
                "\(name) is encrypted in a way that is not read here; encrypt it with openssl pkcs8 -topk8 -v2 aes-256-cbc"
            )
        }
    }

    func decrypt(_ passphrase: String, name: String) throws -> [UInt8] {
        do {
            let secret = try Self.secret(passphrase, salt, iterations)
            return Array(try AES._CBC.decrypt(encrypted, using: secret, iv: AES._CBC.IV(ivBytes: initialVector)))
        } catch {
            throw ProvisioningError.key("\(name): the passphrase is wrong")
        }
    }

    var derBytes: [UInt8] {
        get throws {
            var serializer = DER.Serializer()
            try serializer.appendConstructedNode(identifier: .sequence) { info in
                try info.appendConstructedNode(identifier: .sequence) { algorithm in
                    try algorithm.serialize(ASN1ObjectIdentifier.PBES2.scheme)
                    try algorithm.appendConstructedNode(identifier: .sequence) { parameters in
                        try parameters.appendConstructedNode(identifier: .sequence) { derivation in
                            try derivation.serialize(ASN1ObjectIdentifier.PBES2.pbkdf2)
                            try derivation.appendConstructedNode(identifier: .sequence) { values in
                                try values.serialize(ASN1OctetString(contentBytes: salt[...]))
                                try values.serialize(iterations)
                                try values.appendConstructedNode(identifier: .sequence) { function in
                                    try function.serialize(ASN1ObjectIdentifier.PBES2.hmacWithSHA256)
                                    try function.serialize(ASN1Null())
                                }
                            }
                        }
                        try parameters.appendConstructedNode(identifier: .sequence) { cipher in
                            try cipher.serialize(ASN1ObjectIdentifier.PBES2.aes256CBC)
                            try cipher.serialize(ASN1OctetString(contentBytes: initialVector[...]))
                        }
                    }
                }
                try info.serialize(ASN1OctetString(contentBytes: encrypted[...]))
            }
            return serializer.serializedBytes
        }
    }

    private init(_ node: ASN1Node) throws {
        struct Unknown: Error {}
        func expect(_ nodes: inout ASN1NodeCollection.Iterator, _ identifier: ASN1ObjectIdentifier) throws {
            guard try ASN1ObjectIdentifier(derEncoded: &nodes) == identifier else { throw Unknown() }
        }
        func sequence<Value>(
            _ nodes: inout ASN1NodeCollection.Iterator, _ body: (inout ASN1NodeCollection.Iterator) throws -> Value
        ) throws -> Value {
            guard let node = nodes.next() else { throw Unknown() }
            return try DER.sequence(node, identifier: .sequence, body)
        }
        self = try DER.sequence(node, identifier: .sequence) { info in
            let (salt, iterations, vector) = try sequence(&info) { algorithm in
                try expect(&algorithm, .PBES2.scheme)
                return try sequence(&algorithm) { parameters in
                    let (salt, iterations) = try sequence(&parameters) { derivation in
                        try expect(&derivation, .PBES2.pbkdf2)
                        return try sequence(&derivation) { values in
                            let salt = Array(try ASN1OctetString(derEncoded: &values).bytes)
                            let iterations = try Int(derEncoded: &values)
                            var next = values.next()
                            if let node = next, node.identifier == .integer {
                                guard try Int(derEncoded: node) == 32 else { throw Unknown() }
                                next = values.next()
                            }
                            guard let function = next else { throw Unknown() }  // SHA-1 is the default
                            try DER.sequence(function, identifier: .sequence) { nodes in
                                try expect(&nodes, .PBES2.hmacWithSHA256)
                                _ = nodes.next()
                            }
                            return (salt, iterations)
                        }
                    }
                    let vector = try sequence(&parameters) { cipher in
                        try expect(&cipher, .PBES2.aes256CBC)
                        return Array(try ASN1OctetString(derEncoded: &cipher).bytes)
                    }
                    return (salt, iterations, vector)
                }
            }
            // A file must not be able to keep a server busy for hours.
            guard (1...10_000_000).contains(iterations), vector.count == 16, salt.count <= 1024 else { throw Unknown() }
            let encrypted = Array(try ASN1OctetString(derEncoded: &info).bytes)
            return Self(salt: salt, iterations: iterations, initialVector: vector, encrypted: encrypted)
        }
    }

    private init(salt: [UInt8], iterations: Int, initialVector: [UInt8], encrypted: [UInt8]) {
        (self.salt, self.iterations, self.initialVector, self.encrypted) = (salt, iterations, initialVector, encrypted)
    }

    private static func secret(_ passphrase: String, _ salt: [UInt8], _ iterations: Int) throws -> SymmetricKey {
        // The library's checked call refuses the few rounds that openssl takes by default.
        try KDF.Insecure.PBKDF2.deriveKey(
            from: Array(passphrase.utf8), salt: salt, using: .sha256, outputByteCount: 32,
            unsafeUncheckedRounds: iterations)
    }
}

extension ASN1ObjectIdentifier {
    fileprivate enum PBES2 {
        static let scheme: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 5, 13]
        static let pbkdf2: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 5, 12]
        static let hmacWithSHA256: ASN1ObjectIdentifier = [1, 2, 840, 113549, 2, 9]
        static let aes256CBC: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 1, 42]
    }
}
