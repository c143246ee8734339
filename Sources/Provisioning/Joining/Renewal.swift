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

    /// - Parameters:
    ///   - newKey: makes a new key, or goes on with the one that an earlier call made.
    ///   - passphrase: asked for where the old key is encrypted; then the new one is too.
    public init(of kit: Kit, newKey: Bool = false, passphrase: () throws -> String? = { nil }) throws {
        guard kit.settings.kind != .server else {
            throw ProvisioningError.joining("A server's certificate is renewed with its kit: cohort provision --renew")
        }
        var given: String?
        func ask() throws -> String? {
            given = try given ?? passphrase()
            return given
        }
        let old = try kit.privateKey(passphrase: ask)
        let new = Self.newKeyFile(of: kit.keyFile)
        if DurableFile.exists(new) {
            key = try PrivateKey(contentsOf: new, passphrase: ask)
        } else if newKey {
            key = PrivateKey()
            try key.write(to: new, passphrase: given)
        } else {
            key = old
        }
        self.kit = kit
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
        let new = Self.newKeyFile(of: kit.keyFile)
        if DurableFile.exists(new) { try DurableFile.rename(new, to: kit.keyFile) }
        try? FileManager.default.removeItem(at: requestFile)
        return participant
    }

    /// Where `cohort join --renew --offline` puts the request.
    public var requestFile: URL { kit.local.appending(path: "\(kit.settings.name).request") }
}
