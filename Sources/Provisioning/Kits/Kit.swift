#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The folder by which a server, a site or an administrator takes part.
///
/// Two forms are read: that of `cohort join`, all files in one folder, and that of startup kits as FLARE's users know them,
/// with `startup`, `local` and `transfer`. `startup` is never written to.
public struct Kit: Sendable {
    /// The whole of it.
    public let folder: URL
    /// Where its certificates and settings are.
    public let startup: URL
    /// For what its owner and the running program write.
    public let local: URL
    public let settings: KitSettings
    public let authority: Authority

    /// Reads the settings and the authority of a kit; a kit's `startup` folder stands for the kit.
    ///
    /// - Throws: `ProvisioningError.kit`.
    public init(contentsOf folder: URL) throws {
        var folder = folder.standardizedFileURL
        if folder.lastPathComponent == "startup" || DurableFile.exists(folder.appending(path: KitManifest.file)) {
            folder = folder.deletingLastPathComponent()
        }
        let inner = folder.appending(path: "startup")
        let found = [inner, folder].lazy.compactMap { place in
            Participant.Kind.allCases.first { DurableFile.exists(place.appending(path: "\($0.rawValue).json")) }.map {
                (place, $0)
            }
        }.first
        guard let (startup, kind) = found else {
            throw ProvisioningError.kit(
                "\(folder.path) is no kit: it has no server.json, site.json or administrator.json; make one with cohort join or "
                    + "cohort provision")
        }
        let file = startup.appending(path: "\(kind.rawValue).json")
        settings = try JSONText.decode(
            KitSettings.self, DurableFile.read(file, upTo: 1 << 16), file: file.lastPathComponent,
            what: "kit of Cohort's")
        guard settings.kind == kind, settings.version == 1 else {
            throw ProvisioningError.kit("\(file.lastPathComponent) is of another version of Cohort; make the kit anew")
        }
        try settings.subject.check()
        authority = try Authority(
            pem: String(decoding: DurableFile.read(startup.appending(path: "authority.pem")), as: UTF8.self))
        guard authority.fingerprint == settings.authorityFingerprint else {
            throw ProvisioningError.kit(
                "authority.pem is not the authority that \(file.lastPathComponent) names; the kit was changed, get it again"
            )
        }
        self.folder = folder
        self.startup = startup
        local = startup == folder ? folder : folder.appending(path: "local")
    }

    var certificateFile: URL { startup.appending(path: "\(settings.kind.rawValue).pem") }
    package var keyFile: URL { startup.appending(path: "\(settings.kind.rawValue).key") }

    /// The certificates that TLS sends: the participant's, and the intermediate one.
    public func certificateChain() throws -> CertificateChain {
        try CertificateChain(pem: String(decoding: DurableFile.read(certificateFile), as: UTF8.self))
    }

    /// The participant's key.
    ///
    /// - Parameter passphrase: asked for only where the key is encrypted.
    public func privateKey(passphrase: () throws -> String? = { nil }) throws -> PrivateKey {
        let key = try PrivateKey(contentsOf: keyFile, passphrase: passphrase)
        let chain = try certificateChain()
        if chain.belongs(to: key) { return key }
        // A renewal with a new key that was cut off after it wrote the certificate.
        let new = Renewal.newKeyFile(of: keyFile)
        if DurableFile.exists(new), case let key = try PrivateKey(contentsOf: new, passphrase: passphrase),
            chain.belongs(to: key)
        {
            return key
        }
        throw ProvisioningError.kit(
            "\(keyFile.lastPathComponent) is not the key of \(certificateFile.lastPathComponent); put both back together"
        )
    }

    /// Who the kit's owner is, by its certificate, which is verified.
    public func participant(at date: Date = Date()) async throws -> Participant {
        let participant = try await authority.participant(of: certificateChain(), at: date)
        guard settings.subject.matches(participant) else {
            throw ProvisioningError.kit(
                "The certificate is that of \(participant.name), the kit that of \(settings.name); get the kit again")
        }
        return participant
    }

    /// The authority that a server signs with.
    public func certificateAuthority(passphrase: () throws -> String? = { nil }) throws -> CertificateAuthority {
        guard settings.kind == .server else {
            throw ProvisioningError.kit(
                "\(folder.path) is the kit of \(settings.name), not of a server; name the server's")
        }
        return try CertificateAuthority(
            rootPEM: authority.pem,
            intermediatePEM: String(
                decoding: DurableFile.read(startup.appending(path: "intermediate.pem")), as: UTF8.self),
            key: PrivateKey(contentsOf: startup.appending(path: "intermediate.key"), passphrase: passphrase))
    }

    /// Whom a server does not let in; its kit is made with the list, which must be there.
    public func revocations() -> RevocationList {
        RevocationList(in: local, mustExist: settings.kind == .server)
    }

    /// How a server lets others join.
    public func enrolment(revocations: RevocationList, passphrase: () throws -> String? = { nil }) throws -> Enrolment {
        Enrolment(
            authority: try certificateAuthority(passphrase: passphrase), folder: local, revocations: revocations,
            lives: settings.lives ?? CertificateLives())
    }

    /// Who may do what here: `authorization.json`, else `authorization.json.default`, else FLARE's default policy.
    public func authorization() throws -> Authorization {
        try ownOrDefault("authorization.json").map { try Authorization(contentsOf: $0) } ?? .standard
    }

    /// What the site gives to training: `resources.json`, else `resources.json.default`, else nothing said.
    ///
    /// - Throws: `ProvisioningError` with all that is wrong: keys that are unknown, limits that none can have.
    public func resources() throws -> SiteResources {
        guard let file = ownOrDefault("resources.json") else { return SiteResources() }
        return try SiteResources(
            json: String(decoding: DurableFile.read(file), as: UTF8.self), file: file.lastPathComponent)
    }

    /// FLARE's `local_config.json`, where the site has one.
    public func siteConfiguration() throws -> SiteConfiguration? {
        let file = local.appending(path: "local_config.json")
        return DurableFile.exists(file) ? try SiteConfiguration(contentsOf: file) : nil
    }

    /// As FLARE does it: a default counts until somebody puts a file of their own beside it.
    private func ownOrDefault(_ name: String) -> URL? {
        [name, name + ".default"].map { local.appending(path: $0) }.first(where: DurableFile.exists)
    }

    /// Invites a site or an administrator.
    ///
    /// - Parameter days: how long the invitation can be used.
    public func invite(
        _ name: String, organisation: String, role: Role? = nil, days: Int = 7, now: Date = Date()
    ) throws -> Invitation {
        guard settings.kind == .server else {
            throw ProvisioningError.kit("Only a server invites; name its kit with --server")
        }
        guard (1...365).contains(days) else {
            throw ProvisioningError.joining("An invitation holds for 1 to 365 days, not \(days)")
        }
        let subject = CertificateSubject(
            name: name, organisation: organisation, kind: role == nil ? .site : .administrator, role: role)
        try subject.check()
        guard name.lowercased() != settings.name.lowercased() else {
            throw ProvisioningError.name("\(name) is the server's name; give the participant another one")
        }
        if let role, let roles = try authorization().rolesOfOrganisations[organisation], !roles.contains(role) {
            throw ProvisioningError.joining(
                "People of \(organisation) may not be \(role.rawValue) here; see roles_by_org in authorization.json")
        }
        let expires = now.addingTimeInterval(TimeInterval(days) * 86400).wholeSecond
        // Dates are whole seconds, and who was revoked in this one is invited in the next.
        let revoked = try revocations().latest(of: name)?.addingTimeInterval(1)
        let token = try EnrolmentRegister(in: local).invite(
            subject, at: max(now, revoked ?? .distantPast), expires: expires)
        return Invitation(
            project: settings.project, subject: subject, server: settings.server,
            authority: authority, token: token, expires: expires)
    }

    /// Revokes all certificates of a name; it counts from the next call on.
    ///
    /// - Returns: how many certificates were issued to that name here; those of startup kits are revoked too, uncounted.
    @discardableResult
    public func revoke(_ name: String, reason: String? = nil, now: Date = Date()) throws -> Int {
        guard settings.kind == .server else {
            throw ProvisioningError.kit("Only a server revokes; name its kit with --server")
        }
        guard name.lowercased() != settings.name.lowercased() else {
            throw ProvisioningError.name("\(name) is the server itself; renew its certificate instead")
        }
        let serials = try EnrolmentRegister(in: local).serials(of: name)
        try revocations().revoke(name: name, serials: serials, reason: reason, at: now)
        return serials.count
    }

    /// Revokes one certificate by its serial number.
    public func revoke(serial: String, reason: String? = nil, now: Date = Date()) throws {
        guard settings.kind == .server else {
            throw ProvisioningError.kit("Only a server revokes; name its kit with --server")
        }
        try revocations().revoke(serial: serial, reason: reason, at: now)
    }
}
