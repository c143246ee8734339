import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A startup kit in the making: the same participant, project and authority give the same files, byte for byte.
struct StartupKit {
    let settings: KitSettings
    let chain: CertificateChain
    /// The key file's bytes: kept as they are, encrypted or not.
    let key: Data
    let authority: CertificateAuthority
    /// The server signs with it; of a server alone.
    let intermediateKey: Data?
    let authorization: Authorization
    var resources = SiteResources()
    /// A site's own `local_config.json`, as it came.
    var siteConfiguration: (data: Data, policies: SiteConfiguration.Policies?)?
    /// What a new server's `revoked.jsonl` begins with.
    var revocations = Data()

    private struct File {
        var path: String
        var data: Data
        var mode = DurableFile.Mode.everyone
        /// Whether the manifest vouches for it.
        var isListed = true

        init(_ path: String, _ text: String, mode: DurableFile.Mode = .everyone, isListed: Bool = true) {
            (self.path, data, self.mode, self.isListed) = (path, Data(text.utf8), mode, isListed)
        }

        init(_ path: String, secret data: Data) {
            (self.path, self.data, mode, isListed) = (path, data, .secret, false)
        }
    }

    /// Writes the kit.
    ///
    /// - Parameter previous: a kit of the same participant, whose signature is kept where nothing changed.
    func write(to folder: URL, previous: Kit?, now: Date) throws {
        for path in ["startup", "local", "transfer"] { try DurableFile.makeFolder(folder.appending(path: path)) }
        if settings.kind == .server { try beginRevocations(in: folder) }
        let files = files
        for file in files { try DurableFile.write(file.data, to: folder.appending(path: file.path), mode: file.mode) }
        let digests = Dictionary(
            uniqueKeysWithValues: files.filter(\.isListed).map { ($0.path, KitManifest.digest($0.data)) })
        let (text, signature) = try kept(digests, of: previous, now: now) ?? signed(digests)
        try DurableFile.write(text, to: folder.appending(path: "startup/\(KitManifest.file)"))
        try DurableFile.write(signature, to: folder.appending(path: "startup/\(KitManifest.signatureFile)"))
    }

    /// A server lets nobody in without its list, so a new kit has one. In a kit that is there already none is made anew: if
    /// the list was lost, those whom it shut out would be in again.
    private func beginRevocations(in folder: URL) throws {
        let list = folder.appending(path: "local").appending(path: RevocationList.file)
        let isNew = !DurableFile.exists(folder.appending(path: "startup/server.json"))
        guard isNew, !DurableFile.exists(list) else { return }
        try DurableFile.write(revocations, to: list, mode: .secret)
    }

    private func signed(_ digests: [String: String]) throws -> (Data, Data) {
        let (text, signature) = try KitManifest.sign(
            project: settings.project, name: settings.name, files: digests, with: authority)
        return (Data(text.utf8), signature)
    }

    /// ECDSA's signatures differ each time, so one that still fits is kept.
    private func kept(_ digests: [String: String], of previous: Kit?, now: Date) throws -> (Data, Data)? {
        guard let previous, let text = try? DurableFile.read(previous.startup.appending(path: KitManifest.file)),
            let signature = try? DurableFile.read(previous.startup.appending(path: KitManifest.signatureFile)),
            let manifest = try? KitManifest(text: text, signature: signature, authority: authority.authority, at: now),
            manifest.files == digests, manifest.project == settings.project, manifest.name == settings.name
        else { return nil }
        return (text, signature)
    }

    private var files: [File] {
        let kind = settings.kind
        var files = [
            File("startup/\(kind.rawValue).json", JSONText.encode(settings)),
            File("startup/authority.pem", authority.authority.pem),
            File("startup/\(kind.rawValue).pem", chain.pem, isListed: false),
            File("startup/\(kind.rawValue).key", secret: key),
            File("readme.txt", KitText.readme(settings)),
        ]
        if kind == .administrator {
            files.append(
                File("startup/fl_admin.sh", KitText.administrator(project: settings.project), mode: .script))
            return files
        }
        files.append(File("startup/start.sh", KitText.start(kind, project: settings.project), mode: .script))
        files.append(File("startup/stop.sh", KitText.stop, mode: .script))
        files.append(File("local/authorization.json.default", authorization.json))
        if kind == .site {
            // What nobody said is no default: the sample shows how to say it.
            files.append(
                resources == SiteResources()
                    ? File("local/resources.json.sample", JSONText.encode(SiteResources.sample))
                    : File("local/resources.json.default", JSONText.encode(resources)))
            files.append(
                File("local/site-policy.yaml.sample", KitText.sitePolicySample(siteConfiguration?.policies)))
            if let siteConfiguration {
                files.append(
                    File(
                        "local/local_config.json", String(decoding: siteConfiguration.data, as: UTF8.self),
                        isListed: false))
            }
        }
        if let intermediateKey {
            files.append(File("startup/intermediate.pem", authority.intermediatePEM))
            files.append(File("startup/intermediate.key", secret: intermediateKey))
        }
        return files
    }
}
