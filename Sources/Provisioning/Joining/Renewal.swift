#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The site's side of renewing: asked with the certificate that still holds, for the same key or a new one.
public struct Renewal: Sendable {
    public let kit: Kit
    public let request: EnrolmentRequest
    private let key: PrivateKey
    /// Whether `key` still lies beside the old one.
    private let replacesKey: Bool

    /// - Parameters:
    ///   - newKey: makes a new key, or goes on with the one that an earlier call made.
    ///   - passphrase: asked for where the old key is encrypted; then the new one is too.
    public init(of kit: Kit, newKey: Bool = false, passphrase: () throws -> String? = { nil }) throws {
        var given: String?
        func ask() throws -> String? {
            given = try given ?? passphrase()
            return given
        }
        let old = try kit.privateKey(passphrase: ask)
        let file = Self.newKeyFile(of: kit.keyFile)
        var new: PrivateKey?
        if DurableFile.exists(file) {
            new = try PrivateKey(contentsOf: file, passphrase: ask)
        } else if newKey {
            new = PrivateKey()
            try new?.write(to: file, passphrase: given)
        }
        try self.init(of: kit, from: old, to: new)
    }

    /// For the same key, which is at hand.
    public init(of kit: Kit, key: PrivateKey) throws { try self.init(of: kit, from: key, to: nil) }

    private init(of kit: Kit, from old: PrivateKey, to new: PrivateKey?) throws {
        guard kit.settings.kind != .server else {
            throw ProvisioningError.joining("A server's certificate is renewed with its kit: cohort provision --renew")
        }
        self.kit = kit
        key = new ?? old
        replacesKey = new != nil
        let csr = try SigningRequest(name: kit.settings.name, key: key).pem
        request = EnrolmentRequest(
            csr: csr, proof: .certificate(try RenewalProof(of: kit.certificateChain(), for: csr, key: old)))
    }

    /// Whether a certificate should be renewed: when a third of its life or less is left.
    public static func isDue(_ participant: Participant, at date: Date = Date()) -> Bool {
        participant.notAfter.timeIntervalSince(date) * 3
            <= participant.notAfter.timeIntervalSince(participant.notBefore)
    }

    static func newKeyFile(of file: URL) -> URL {
        file.deletingLastPathComponent().appending(path: file.lastPathComponent + ".new")
    }

    /// Checks what the server answered and takes it into use.
    @discardableResult
    public func complete(_ reply: EnrolmentReply, now: Date = Date()) async throws -> Participant {
        let chain = try CertificateChain(pem: reply.certificates)
        let participant = try await kit.authority.participant(of: chain, at: now)
        guard chain.belongs(to: key), kit.settings.subject.matches(participant) else {
            throw ProvisioningError.joining(
                "The reply is not for this request but for \(participant.name), or for another key; take the right one")
        }
        try DurableFile.write(chain.pem, to: kit.certificateFile)
        // Cut off here, the kit is read with the new key all the same.
        if replacesKey { try DurableFile.rename(Self.newKeyFile(of: kit.keyFile), to: kit.keyFile) }
        try? FileManager.default.removeItem(at: requestFile)
        return participant
    }

    /// Where `cohort join --renew --offline` puts the request.
    public var requestFile: URL { kit.local.appending(path: "\(kit.settings.name).request") }
}
