import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The server's side of joining: a request and a token become a certificate, exactly once.
///
/// No network is in it. What it promises is on the disk before it answers, so a crash at any instant loses nothing: the same
/// request with the same token gets the same certificate again, and another key never gets one.
public struct Enrolment: Sendable {
    let authority: CertificateAuthority
    package let register: EnrolmentRegister
    package let revocations: RevocationList
    let lives: CertificateLives
    /// Keys to which one certificate can be renewed: far more than anybody needs, so that no member fills the register.
    private static let mostKeys = 8
    /// Renewals that one name gets in a day, of whichever certificate.
    private static let mostInADay = 24

    /// - Parameter folder: where the server keeps `enrolment.jsonl`.
    public init(
        authority: CertificateAuthority, folder: URL, revocations: RevocationList, lives: CertificateLives
    ) {
        self.authority = authority
        register = EnrolmentRegister(in: folder)
        self.revocations = revocations
        self.lives = lives
    }

    /// Signs the key of a request for whom the token was made.
    ///
    /// - Parameter csr: PKCS#10 in PEM.
    /// - Returns: the certificate and the intermediate one.
    /// - Throws: `ProvisioningError.refused` with the reason.
    public func redeem(csr: String, token: String, now: Date = Date()) throws -> CertificateChain {
        let request = try SigningRequest(pem: csr)
        guard InvitationToken.isOne(token) else { throw ProvisioningError.refused(.unknownToken) }
        let digest = InvitationToken.digest(token)
        return try register.file.update { records, append in
            guard let place = records.lastIndex(where: { $0.invited?.tokenDigest == digest }),
                let invited = records[place].invited
            else { throw ProvisioningError.refused(.unknownToken) }
            let subject = invited.subject
            guard request.name == subject.name else {
                throw ProvisioningError.refused(.wrongName(invited: subject.name, requested: request.name))
            }
            let revoked = try revocations.latest(of: subject.name)
            if let revoked, invited.at <= revoked { throw ProvisioningError.refused(.revoked(name: subject.name)) }
            if let issued = records.lazy.compactMap(\.redeemed).first(where: { $0.tokenDigest == digest }) {
                guard issued.key == request.keyFingerprint else {
                    throw ProvisioningError.refused(.used(name: subject.name))
                }
                return try CertificateChain(pem: issued.certificates)
            }
            if records[(place + 1)...].contains(where: { $0.invited?.subject.name == subject.name }) {
                throw ProvisioningError.refused(.replaced(name: subject.name))
            }
            guard now < invited.expires else { throw ProvisioningError.refused(.expired(name: subject.name)) }
            let chain = try authority.issue(
                subject, to: request.publicKey, days: lives.days(for: subject.kind), now: now,
                notBefore: revoked?.addingTimeInterval(1))
            try append(.init(redeemed: issued(chain, request, now, tokenDigest: digest)))
            return chain
        }
    }

    /// Signs a request, for the same key or a new one, for whom holds a certificate that still counts; a repeat gets the same
    /// certificate again.
    ///
    /// - Parameter chain: of the caller, from TLS or from a signed request: that they hold its key must be certain already.
    ///   The intermediate certificate may be missing where it is this authority's.
    /// - Throws: `ProvisioningError.refused` with the reason; so are more renewals than anybody needs.
    public func renew(csr: String, of chain: CertificateChain, now: Date = Date()) async throws -> CertificateChain {
        let request = try SigningRequest(pem: csr)
        let participant: Participant
        do {
            participant = try await authority.authority.participant(
                of: CertificateChain(chain.certificates + [authority.certificate]), at: now)
        } catch let error as ProvisioningError {
            throw ProvisioningError.refused(.notTrusted(error.description))
        }
        guard try !revocations.isRevoked(participant) else {
            throw ProvisioningError.refused(.revoked(name: participant.name))
        }
        guard participant.kind != .server else {
            throw ProvisioningError.refused(.notTrusted("A server's is renewed with its kit: cohort provision --renew"))
        }
        guard request.name == participant.name else {
            throw ProvisioningError.refused(.wrongName(invited: participant.name, requested: request.name))
        }
        let subject = CertificateSubject(
            name: participant.name, organisation: participant.organisation, kind: participant.kind,
            role: participant.role)
        return try register.file.update { records, append in
            let renewals = records.compactMap(\.renewed)
            if let repeated = renewals.first(where: {
                $0.renews == participant.serial && $0.key == request.keyFingerprint
            }) {
                return try CertificateChain(pem: repeated.certificates)
            }
            guard renewals.count(where: { $0.renews == participant.serial }) < Self.mostKeys else {
                throw ProvisioningError.refused(
                    .notTrusted("It was renewed with \(Self.mostKeys) other keys already; use one of these"))
            }
            let yesterday = now.addingTimeInterval(-86400)
            guard renewals.count(where: { $0.name == subject.name && $0.at > yesterday }) < Self.mostInADay else {
                throw ProvisioningError.refused(
                    .notTrusted("\(subject.name) was renewed \(Self.mostInADay) times in a day; try again tomorrow"))
            }
            let renewed = try authority.issue(
                subject, to: request.publicKey, days: lives.days(for: subject.kind), now: now,
                notBefore: revocations.latest(of: subject.name)?.addingTimeInterval(1))
            try append(.init(renewed: issued(renewed, request, now, renews: participant.serial)))
            return renewed
        }
    }

    /// Answers a request that came as a file or a message.
    public func answer(_ request: EnrolmentRequest, now: Date = Date()) async throws -> EnrolmentReply {
        let chain: CertificateChain
        switch request.proof {
        case .token(let token): chain = try redeem(csr: request.csr, token: token, now: now)
        case .certificate(let proof):
            let old = try CertificateChain(pem: proof.certificates)
            guard proof.isValid(for: request.csr, by: old) else {
                throw ProvisioningError.refused(
                    .request("it is not signed with the key of the certificate to be renewed"))
            }
            chain = try await renew(csr: request.csr, of: old, now: now)
        }
        return EnrolmentReply(certificates: chain.pem, authority: authority.authority.pem)
    }

    private func issued(
        _ chain: CertificateChain, _ request: SigningRequest, _ now: Date, tokenDigest: String? = nil,
        renews: String? = nil
    ) -> EnrolmentRegister.Issued {
        EnrolmentRegister.Issued(
            tokenDigest: tokenDigest, renews: renews, name: request.name, serial: chain.leaf.serialNumber.hexadecimal,
            key: request.keyFingerprint, certificates: chain.pem, at: now.wholeSecond)
    }
}
