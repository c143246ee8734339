/// Whom a certificate is made for. The authority says all of it; of a request only the key counts.
struct CertificateSubject: Sendable, Hashable, Codable {
    var name: String
    var organisation: String
    var kind: Participant.Kind
    /// Of an administrator.
    var role: Role?
    /// Names and addresses of a server.
    var hosts: [String] = []

    /// - Throws: `ProvisioningError.name`.
    func check() throws {
        try ParticipantName.check(name)
        if let fault = ParticipantName.organisationFault(organisation) { throw ProvisioningError.name(fault) }
        guard (kind == .administrator) == (role != nil) else {
            throw ProvisioningError.name("\(name) needs a role if an administrator, and none otherwise")
        }
    }

    /// Whether a certificate says just this.
    func matches(_ participant: Participant) -> Bool {
        (name, organisation, kind, role)
            == (participant.name, participant.organisation, participant.kind, participant.role)
    }
}
