import NIOSSL

/// An end's own certificate and key.
///
/// The key is shown by no description and written to no log.
public struct TLSIdentity: Sendable, CustomStringConvertible, CustomReflectable {
    let chain: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey

    /// - Parameters:
    ///   - certificateChain: PEM, the leaf first and then the intermediates: a peer that knows only the root needs them.
    ///   - privateKey: PEM.
    ///   - passphrase: of an encrypted key.
    public init(certificateChain: String, privateKey: String, passphrase: String? = nil) throws {
        chain = try certificates(pem: certificateChain, of: "this machine's certificate")
        do {
            let bytes = Array(privateKey.utf8)
            key =
                if let passphrase {
                    try NIOSSLPrivateKey(bytes: bytes, format: .pem) { $0(Array(passphrase.utf8)) }
                } else {
                    try NIOSSLPrivateKey(bytes: bytes, format: .pem)
                }
        } catch {
            throw TransportError.certificate(
                "The private key cannot be read: it must be PEM"
                    + (passphrase == nil ? ", and an encrypted one needs its passphrase." : " of that passphrase."))
        }
    }

    var sources: [NIOSSLCertificateSource] { chain.map { .certificate($0) } }

    public var description: String { "TLSIdentity(\(chain.count) certificates)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Authorities whose certificates are accepted, and no others.
public struct TLSRoots: Sendable {
    let certificates: [NIOSSLCertificate]

    /// - Parameter pem: one or more roots.
    public init(pem: String) throws {
        certificates = try Fleet.certificates(pem: pem, of: "the authority's certificate")
    }

    var trustRoots: NIOSSLTrustRoots { .certificates(certificates) }
}

private func certificates(pem: String, of what: String) throws -> [NIOSSLCertificate] {
    let certificates = (try? NIOSSLCertificate.fromPEMBytes(Array(pem.utf8))) ?? []
    guard !certificates.isEmpty else {
        throw TransportError.certificate("The file of \(what) holds no certificate in PEM.")
    }
    return certificates
}
