#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a project's authority is kept, apart from all kits: `authority.pem`, the intermediate authority that signs, and
/// `offline/root.key`, which is to be moved away.
struct AuthorityFolder {
    let folder: URL

    var rootKeyFile: URL { folder.appending(path: "offline/root.key") }
    private var rootFile: URL { folder.appending(path: "authority.pem") }
    private var intermediateFile: URL { folder.appending(path: "intermediate.pem") }
    private var intermediateKeyFile: URL { folder.appending(path: "intermediate.key") }

    /// What `open` had to make.
    enum Made { case nothing, intermediate, all }

    /// Reads the authority, or makes what there is not.
    ///
    /// - Parameters:
    ///   - passphrase: of the root key; a new one is encrypted with it where there is one. The intermediate key is not: the
    ///     server must be able to start by itself.
    ///   - newIntermediate: makes a new intermediate authority with the root key; sites go on trusting the root.
    func open(
        for project: Project, passphrase: () throws -> String?, newIntermediate: Bool, now: Date
    ) throws -> (CertificateAuthority, Made) {
        guard DurableFile.exists(rootFile) else {
            guard !DurableFile.exists(rootKeyFile) else {
                throw ProvisioningError.authority(
                    "\(rootKeyFile.path) is there and authority.pem is not. Put it back, or remove the key if nothing was ever "
                        + "signed with it")
            }
            let root = try RootAuthority(
                named: project.authorityName, organisation: project.server.organisation, days: project.lives.root,
                now: now)
            try DurableFile.makeFolder(folder, forOwnerOnly: true)
            try DurableFile.makeFolder(folder.appending(path: "offline"), forOwnerOnly: true)
            try root.key.write(to: rootKeyFile, passphrase: passphrase())
            try DurableFile.write(root.pem, to: rootFile)
            return (try makeIntermediate(root, project, now), .all)
        }
        let pem = String(decoding: try DurableFile.read(rootFile), as: UTF8.self)
        if !newIntermediate, DurableFile.exists(intermediateFile) {
            let authority = try CertificateAuthority(
                rootPEM: pem, intermediatePEM: String(decoding: DurableFile.read(intermediateFile), as: UTF8.self),
                key: PrivateKey(contentsOf: intermediateKeyFile))
            return (authority, .nothing)
        }
        guard DurableFile.exists(rootKeyFile) else {
            throw ProvisioningError.authority(
                "An intermediate authority can be made only with the root key. Bring it back to \(rootKeyFile.path) for a moment"
            )
        }
        let root = try RootAuthority(pem: pem, key: PrivateKey(contentsOf: rootKeyFile, passphrase: passphrase))
        return (try makeIntermediate(root, project, now), .intermediate)
    }

    /// The intermediate key's file, as the server's kit holds it.
    func intermediateKey() throws -> Data { try DurableFile.read(intermediateKeyFile) }

    private func makeIntermediate(_ root: RootAuthority, _ project: Project, _ now: Date) throws -> CertificateAuthority
    {
        let intermediate = try root.makeIntermediate(days: project.lives.intermediate, now: now)
        // The certificate says that there is one, so it comes last.
        if DurableFile.exists(intermediateFile) { try FileManager.default.removeItem(at: intermediateFile) }
        try intermediate.key.write(to: intermediateKeyFile)
        try DurableFile.write(intermediate.intermediatePEM, to: intermediateFile)
        return intermediate
    }
}
