#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the server remembers of invitations and certificates, in `enrolment.jsonl`: of a token only its hash.
public struct EnrolmentRegister: Sendable {
    package let file: RecordFile<Record>

    /// - Parameter folder: of the server's kit, where it keeps what changes.
    public init(in folder: URL) { file = RecordFile(url: folder.appending(path: "enrolment.jsonl")) }

    /// One line: one of the three.
    package struct Record: Codable, Sendable {
        var invited: Invited?
        var redeemed: Issued?
        var renewed: Issued?
    }

    struct Invited: Codable, Sendable {
        var tokenDigest: String
        var subject: CertificateSubject
        var at: Date
        var expires: Date
    }

    struct Issued: Codable, Sendable {
        /// Of the invitation; nil for a renewal.
        var tokenDigest: String?
        /// The serial number of the certificate that was renewed; nil for an invitation.
        var renews: String?
        var name: String
        var serial: String
        /// SHA-256 of the key that was certified.
        var key: String
        /// The chain in PEM: what an exact repeat is answered with.
        var certificates: String
        var at: Date
    }

    /// Invites; an older open invitation of the name is void from now on.
    ///
    /// - Returns: the token, which is kept nowhere else.
    func invite(_ subject: CertificateSubject, at date: Date, expires: Date) throws -> String {
        try subject.check()
        let token = InvitationToken.make()
        let invited = Invited(
            tokenDigest: InvitationToken.digest(token), subject: subject, at: date.wholeSecond, expires: expires)
        try file.update { records, append in
            let name = subject.name
            if let other = records.lazy.compactMap({ $0.invited?.subject.name }).first(where: {
                $0 != name && $0.lowercased() == name.lowercased()
            }) {
                throw ProvisioningError.name(
                    "\(other) was invited before: \(name) differs in letters' case alone; choose another")
            }
            try append(Record(invited: invited))
        }
        return token
    }

    /// The serial numbers of all certificates that were issued here to a name.
    func serials(of name: String) throws -> [String] {
        try file.read().compactMap { $0.redeemed ?? $0.renewed }.filter { $0.name == name }.map(\.serial)
    }
}
