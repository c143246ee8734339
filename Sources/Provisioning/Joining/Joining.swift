#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The site's side of joining: a key that never leaves its folder, and a kit around it when the certificate has come.
///
/// It can be broken off at any point and begun again: the key stays, so the server answers with the same certificate.
public struct Joining: Sendable {
    public let folder: URL
    public let invitation: Invitation
    public let request: EnrolmentRequest
    private let key: PrivateKey

    /// Begins, or goes on where an earlier call was broken off.
    ///
    /// - Parameters:
    ///   - folder: of the kit to be; made where there is none.
    ///   - passphrase: to encrypt the key with, or to read an encrypted one; nil for none.
    public init(_ invitation: Invitation, in folder: URL, passphrase: String? = nil) throws {
        let kind = invitation.kind.rawValue
        guard !DurableFile.exists(folder.appending(path: "\(kind).json")) else {
            throw ProvisioningError.joining(
                "\(folder.path) holds a finished kit; renew it with cohort join --renew, or join in another folder")
        }
        try DurableFile.makeFolder(folder, forOwnerOnly: true)
        let keyFile = folder.appending(path: "\(kind).key")
        if DurableFile.exists(keyFile) {
            key = try PrivateKey(contentsOf: keyFile) { passphrase }
        } else {
            key = PrivateKey()
            try key.write(to: keyFile, passphrase: passphrase)
        }
        try invitation.write(to: Self.file(in: folder))
        self.folder = folder
        self.invitation = invitation
        request = EnrolmentRequest(
            csr: try SigningRequest(name: invitation.name, key: key).pem, proof: .token(invitation.token))
    }

    /// Goes on in a folder that waits for a reply.
    public init(resuming folder: URL, passphrase: String? = nil) throws {
        let file = Self.file(in: folder)
        guard DurableFile.exists(file) else {
            throw ProvisioningError.joining(
                "\(folder.path) does not wait for a reply; begin with cohort join INVITATION, or name the folder with -f"
            )
        }
        let invitation = try JSONText.decode(
            Invitation.self, DurableFile.read(file), file: file.lastPathComponent, what: "invitation")
        try self.init(invitation, in: folder, passphrase: passphrase)
    }

    private static func file(in folder: URL) -> URL { folder.appending(path: "joining.json") }

    /// Checks what the server answered, and writes the kit. The settings come last: a kit that has them is whole.
    @discardableResult
    public func complete(_ reply: EnrolmentReply, now: Date = Date()) async throws -> Participant {
        let authority = try Authority(pem: reply.authority)
        guard authority.fingerprint == invitation.authorityFingerprint else {
            throw ProvisioningError.joining(
                "The reply does not come from the server that the invitation names. Do not use it; is something between you and "
                    + "the server? Ask the coordinator")
        }
        let chain = try CertificateChain(pem: reply.certificates)
        let participant = try await authority.participant(of: chain, at: now)
        guard chain.belongs(to: key), invitation.subject.matches(participant) else {
            throw ProvisioningError.joining(
                "The reply is not for this request but for \(participant.name), or for another key; take the right one")
        }
        let kind = invitation.kind.rawValue
        try DurableFile.write(authority.pem, to: folder.appending(path: "authority.pem"))
        try DurableFile.write(chain.pem, to: folder.appending(path: "\(kind).pem"))
        let settings = KitSettings(
            project: invitation.project, subject: invitation.subject, server: invitation.server,
            authorityFingerprint: authority.fingerprint)
        try DurableFile.write(KitText.readme(joined: settings), to: folder.appending(path: "readme.txt"))
        if invitation.kind == .site {
            try DurableFile.write(
                KitText.sitePolicySample(nil), to: folder.appending(path: "site-policy.yaml.sample"))
        }
        try DurableFile.write(JSONText.encode(settings), to: folder.appending(path: "\(kind).json"))
        // What is left is of no more use; the token was used.
        try? FileManager.default.removeItem(at: Self.file(in: folder))
        try? FileManager.default.removeItem(at: requestFile)
        return participant
    }

    /// Where `cohort join --offline` puts the request.
    public var requestFile: URL { folder.appending(path: "\(invitation.name).request") }
}
