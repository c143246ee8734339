import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a hospital or a person needs to join: where the server is, how to know it, and a token that works once.
public struct Invitation: Sendable, Equatable, Codable {
    /// Of the file's form.
    public var version = 1
    public var project: String
    public var name: String
    public var organisation: String
    public var kind: Participant.Kind
    public var role: Role?
    public var server: ServerAddress
    /// SHA-256 of the authority's certificate: what people compare.
    public var authorityFingerprint: String
    /// The authority's certificate, PEM: by it the server is known when it is dialled.
    public var authority: String
    public var token: String
    public var expires: Date

    enum CodingKeys: String, CodingKey {
        case version = "cohort_invitation"
        case project, name
        case organisation = "org"
        case kind, role, server
        case authorityFingerprint = "authority_sha256"
        case authority, token, expires
    }

    /// Reads an invitation file.
    ///
    /// - Throws: `ProvisioningError.joining` where it is none, has expired, or names what no kit may be named.
    public init(contentsOf url: URL, now: Date = Date()) throws {
        let file = url.lastPathComponent
        self = try JSONText.decode(
            Self.self, DurableFile.read(url, upTo: 1 << 16), file: file, what: "invitation")
        try check(file: file, now: now)
    }

    init(
        project: String, subject: CertificateSubject, server: ServerAddress, authority: Authority, token: String,
        expires: Date
    ) {
        self.project = project
        (name, organisation, kind, role) = (subject.name, subject.organisation, subject.kind, subject.role)
        self.server = server
        authorityFingerprint = authority.fingerprint
        self.authority = authority.pem
        self.token = token
        self.expires = expires
    }

    var subject: CertificateSubject {
        CertificateSubject(name: name, organisation: organisation, kind: kind, role: role)
    }

    /// Writes the file; who reads it can join in this name, once.
    public func write(to url: URL) throws {
        try DurableFile.write(JSONText.encode(self), to: url, mode: .secret)
    }

    private func check(file: String, now: Date) throws {
        guard version == 1 else {
            throw ProvisioningError.joining("\(file) is of another version of Cohort; use the same one as the server")
        }
        try subject.check()
        try ParticipantName.check(project)
        guard kind != .server else {
            throw ProvisioningError.joining("\(file) invites a server; servers are provisioned")
        }
        guard HostName(server.host) != nil, (1...65535).contains(server.port), authorityFingerprint.utf8.count == 64
        else {
            throw ProvisioningError.joining("\(file) says no server to join; ask for it again")
        }
        guard try Authority(pem: authority).fingerprint == authorityFingerprint else {
            throw ProvisioningError.joining(
                "\(file) names another authority than it holds: it was changed on its way; ask for it again")
        }
        guard expires > now else { throw ProvisioningError.refused(.expired(name: name)) }
    }
}

/// Where participants dial.
public struct ServerAddress: Sendable, Equatable, Codable {
    public var host: String
    /// For sites, and for joining.
    public var port: Int
    /// For administrators.
    public var administrationPort: Int

    public init(host: String, port: Int, administrationPort: Int) {
        (self.host, self.port, self.administrationPort) = (host, port, administrationPort)
    }

    enum CodingKeys: String, CodingKey {
        case host, port
        case administrationPort = "administration_port"
    }
}

/// The secret of an invitation: 32 random bytes.
enum InvitationToken {
    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }.hexadecimal
    }

    /// Whether a text has the form of one.
    static func isOne(_ text: String) -> Bool { text.utf8.count == 64 && text.utf8.allSatisfy { $0 < 128 } }

    /// What the server keeps of it.
    static func digest(_ token: String) -> String { SHA256.hash(data: Array(token.utf8)).hexadecimal }
}
