/// What a kit says of its owner, in `server.json`, `site.json` or `administrator.json`: no secret.
public struct KitSettings: Sendable, Equatable, Codable {
    public var version = 1
    public var project: String
    public var kind: Participant.Kind
    public var name: String
    public var organisation: String
    public var role: Role?
    /// Where to dial; for the server, where it listens.
    public var server: ServerAddress
    /// SHA-256 of the authority's certificate.
    public var authorityFingerprint: String
    /// Of a server: how long the certificates hold that it signs.
    public var lives: CertificateLives?

    enum CodingKeys: String, CodingKey {
        case version = "cohort_kit"
        case project, kind, name
        case organisation = "org"
        case role, server
        case authorityFingerprint = "authority_sha256"
        case lives = "certificate_days"
    }

    init(
        project: String, subject: CertificateSubject, server: ServerAddress, authorityFingerprint: String,
        lives: CertificateLives? = nil
    ) {
        self.project = project
        (kind, name, organisation, role) = (subject.kind, subject.name, subject.organisation, subject.role)
        self.server = server
        self.authorityFingerprint = authorityFingerprint
        self.lives = lives
    }

    var subject: CertificateSubject {
        CertificateSubject(name: name, organisation: organisation, kind: kind, role: role)
    }
}
