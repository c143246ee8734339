#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The folder of a project: its authority, the server's kit, and numbered sets of startup kits.
public struct Workspace: Sendable {
    public let project: Project
    public let folder: URL

    /// - Parameter base: the folder of all projects, such as `workspace`.
    public init(_ project: Project, in base: URL) {
        self.project = project
        folder = base.appending(path: project.name)
    }

    /// How a run of provisioning is to be done.
    public struct Options: Sendable {
        /// Of the root key.
        public var passphrase: @Sendable () throws -> String? = { nil }
        public var newIntermediate = false
        /// Who gets a new key and certificate although the old one still holds.
        public var renewed: Set<String> = []
        /// Sites' own configurations, by name.
        public var siteConfigurations: [String: (data: Data, configuration: SiteConfiguration)] = [:]

        public init() {}
    }

    /// What a run of provisioning made.
    public struct Outcome: Sendable, Equatable {
        /// With the kits in it.
        public var folder: URL
        /// Names whose certificates are new, and names whose were kept.
        public var issued: [String] = []
        public var kept: [String] = []
        /// Kept certificates that end soon, with the days left.
        public var ending: [String: Int] = [:]
        public var authorityFingerprint: String
        /// Where the root key is, if this run made it.
        public var newRootKey: URL?
    }

    /// Makes the authority, where there is none yet, and the server's kit in `server`. Everyone else joins by invitation.
    public func makeServerKit(_ options: Options = Options(), now: Date = Date()) async throws -> Outcome {
        let target = folder.appending(path: project.server.name)
        return try await make(options, now: now) { outcome, make in
            outcome.folder = target
            let previous = DurableFile.exists(target) ? try Kit(contentsOf: target) : nil
            try await make(project.subjects[0], target, previous, &outcome)
        }
    }

    /// Makes startup kits of all participants, in the next of `prod_00`, `prod_01`, … Who did not change since the last set
    /// keeps key and certificate: their kits are the same byte for byte.
    public func makeKits(_ options: Options = Options(), now: Date = Date()) async throws -> Outcome {
        let last = try lastNumber()
        let name = Self.name(of: last.map { $0 + 1 } ?? 0)
        let unfinished = folder.appending(path: ".\(name).part")
        return try await make(options, now: now) { outcome, make in
            try? FileManager.default.removeItem(at: unfinished)
            for subject in project.subjects {
                let previous = last.flatMap {
                    try? Kit(contentsOf: folder.appending(path: Self.name(of: $0)).appending(path: subject.name))
                }
                try await make(subject, unfinished.appending(path: subject.name), previous, &outcome)
            }
            outcome.folder = folder.appending(path: name)
            try DurableFile.rename(unfinished, to: outcome.folder)
        }
    }

    private typealias MakeKit = (CertificateSubject, URL, Kit?, inout Outcome) async throws -> Void

    private func make(
        _ options: Options, now: Date, _ body: (inout Outcome, MakeKit) async throws -> Void
    ) async throws -> Outcome {
        let names = Set(project.subjects.map(\.name))
        if let stranger = options.renewed.subtracting(names).sorted().first {
            throw ProvisioningError.name(
                "There is no participant \(ParticipantName.shown(stranger)) to renew; the project has "
                    + "\(names.sorted().joined(separator: ", "))")
        }
        let authorityFolder = AuthorityFolder(folder: folder.appending(path: "authority"))
        let (authority, made) = try authorityFolder.open(
            for: project, passphrase: options.passphrase, newIntermediate: options.newIntermediate, now: now)
        let intermediateKey = try authorityFolder.intermediateKey()
        var outcome = Outcome(
            folder: folder, authorityFingerprint: authority.authority.fingerprint,
            newRootKey: made == .all ? authorityFolder.rootKeyFile : nil)
        try await body(&outcome) { subject, target, previous, outcome in
            let kept =
                options.renewed.contains(subject.name)
                ? nil : await identity(subject, in: previous, authority.authority, now: now, &outcome)
            let (chain, key) = try kept ?? newIdentity(subject, authority, now: now)
            if kept == nil { outcome.issued.append(subject.name) } else { outcome.kept.append(subject.name) }
            var kit = StartupKit(
                settings: settings(subject, authority.authority), chain: chain, key: key, authority: authority,
                intermediateKey: subject.kind == .server ? intermediateKey : nil, authorization: project.authorization)
            if let site = project.sites.first(where: { $0.name == subject.name }) {
                kit.resources = site.resources
                if let own = options.siteConfigurations[subject.name] {
                    kit.resources = own.configuration.resources
                    kit.siteConfiguration = (own.data, own.configuration.policies)
                }
            }
            // Whom one set of kits shut out, the next one does.
            if subject.kind == .server,
                let list = previous?.local.appending(path: RevocationList.file), DurableFile.exists(list)
            {
                kit.revocations = try DurableFile.read(list, upTo: 1 << 26)
            }
            try kit.write(to: target, previous: kept == nil ? nil : previous, now: now)
        }
        return outcome
    }

    /// Key and certificate of an earlier kit, if they still say what is wanted.
    private func identity(
        _ subject: CertificateSubject, in kit: Kit?, _ authority: Authority, now: Date, _ outcome: inout Outcome
    ) async -> (CertificateChain, Data)? {
        guard let kit, kit.authority == authority, let chain = try? kit.certificateChain(),
            let participant = try? await authority.participant(of: chain, at: now), subject.matches(participant),
            subject.kind != .server || chain.hosts == Set(subject.hosts.compactMap { HostName($0) }),
            let key = try? DurableFile.read(kit.keyFile, upTo: 1 << 16)
        else { return nil }
        // An encrypted key is taken at its word.
        let pem = String(decoding: key, as: UTF8.self)
        if !pem.contains("ENCRYPTED") {
            guard let key = try? PrivateKey(pem: pem), chain.belongs(to: key) else { return nil }
        }
        let days = Int(participant.notAfter.timeIntervalSince(now) / 86400)
        if Renewal.isDue(participant, at: now) { outcome.ending[subject.name] = days }
        return (chain, key)
    }

    private func newIdentity(
        _ subject: CertificateSubject, _ authority: CertificateAuthority, now: Date
    ) throws -> (CertificateChain, Data) {
        let key = PrivateKey()
        let chain = try authority.issue(
            subject, to: key.publicKey, days: project.lives.days(for: subject.kind), now: now)
        return (chain, Data(try key.pem().utf8))
    }

    private func settings(_ subject: CertificateSubject, _ authority: Authority) -> KitSettings {
        let site = project.sites.first { $0.name == subject.name }
        let server = ServerAddress(
            host: site?.dials ?? project.server.hosts[0], port: project.server.port,
            administrationPort: project.server.administrationPort)
        return KitSettings(
            project: project.name, subject: subject, server: server, authorityFingerprint: authority.fingerprint,
            lives: subject.kind == .server ? project.lives : nil)
    }

    /// The number of the last set of kits; nil where there is none.
    private func lastNumber() throws -> Int? {
        guard DurableFile.exists(folder) else { return nil }
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).compactMap { name in
            name.hasPrefix("prod_") ? Int(name.dropFirst(5)) : nil
        }.max()
    }

    private static func name(of number: Int) -> String { "prod_" + (number < 10 ? "0" : "") + String(number) }
}
