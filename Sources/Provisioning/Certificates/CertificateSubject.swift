/// Whom a certificate is made for. The authority says all of it; of a request only the key counts.
package struct CertificateSubject: Sendable, Hashable, Codable {
    package var name: String
    package var organisation: String
    package var kind: Participant.Kind
    /// Of an administrator.
    package var role: Role?
    /// Names and addresses of a server.
    package var hosts: [String] = []

    package init(
        name: String, organisation: String, kind: Participant.Kind, role: Role? = nil, hosts: [String] = []
    ) {
        (self.name, self.organisation, self.kind, self.role, self.hosts) = (name, organisation, kind, role, hosts)
    }

    /// - Throws: `ProvisioningError.name`.
    package func check() throws {
        try ParticipantName.check(name, of: kind)
        if let fault = ParticipantName.organisationFault(organisation) { throw ProvisioningError.name(fault) }
        guard (kind == .administrator) == (role != nil) else {
            throw ProvisioningError.name("\(name) needs a role if an administrator, and none otherwise")
        }
    }

    /// Whether a certificate says just this.
    package func matches(_ participant: Participant) -> Bool {
        (name, organisation, kind, role)
            == (participant.name, participant.organisation, participant.kind, participant.role)
    }
}
