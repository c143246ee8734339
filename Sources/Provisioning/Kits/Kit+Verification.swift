#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Kit {
    /// What was found out about a kit that is as it was made.
    public struct Verification: Sendable, Equatable {
        public var participant: Participant
        /// Files whose content was compared; 0 for a kit that was made by joining, which has no list.
        public var files: Int
        public var authorityFingerprint: String
    }

    /// Checks a kit against its signed list, its certificate against its authority, and its key against its certificate.
    ///
    /// - Parameter fingerprint: the authority's, from somebody who knows it. Without it a kit that is forged from end to end
    ///   passes.
    /// - Throws: `ProvisioningError.kit` with all that is wrong.
    public func verify(fingerprint: String? = nil, at date: Date = Date()) async throws -> Verification {
        if let fingerprint, fingerprint.lowercased().filter({ $0 != ":" && $0 != " " }) != authority.fingerprint {
            throw ProvisioningError.kit(
                "The kit's authority is \(authority.fingerprint), not the one given. Do not use the kit; ask the coordinator"
            )
        }
        let participant = try await participant(at: date)
        try checkKey()
        let files = try verifyFiles(at: date)
        return Verification(participant: participant, files: files, authorityFingerprint: authority.fingerprint)
    }

    /// Checks that nobody but its owner can read the key, and that it is the certificate's.
    ///
    /// - Returns: whether it is encrypted; then what is inside is its owner's to check.
    @discardableResult
    public func checkKey() throws -> Bool {
        try DurableFile.checkIsSecret(keyFile)
        let pem = String(decoding: try DurableFile.read(keyFile, upTo: 1 << 16), as: UTF8.self)
        if pem.contains("ENCRYPTED") { return true }
        _ = try privateKey()
        return false
    }

    /// Compares the files with the signed list.
    ///
    /// - Returns: how many were compared; 0 for a kit without a list, made by joining.
    public func verifyFiles(at date: Date = Date()) throws -> Int {
        let manifestFile = startup.appending(path: KitManifest.file)
        guard startup != folder else { return 0 }
        guard DurableFile.exists(manifestFile) else {
            throw ProvisioningError.kit("\(KitManifest.file) is missing; get the kit again")
        }
        let manifest = try KitManifest(
            text: DurableFile.read(manifestFile),
            signature: DurableFile.read(startup.appending(path: KitManifest.signatureFile)), authority: authority,
            at: date)
        guard manifest.name == settings.name, manifest.project == settings.project else {
            throw ProvisioningError.kit("\(KitManifest.file) is that of the kit of \(manifest.name); get the kit again")
        }
        var faults: [String] = []
        for (path, digest) in manifest.files.sorted(by: { $0.key < $1.key }) {
            guard let data = try? DurableFile.read(folder.appending(path: path)) else {
                faults.append("\(path) is missing or cannot be read")
                continue
            }
            if KitManifest.digest(data) != digest { faults.append("\(path) was changed") }
        }
        let own =
            [certificateFile, keyFile, Renewal.newKeyFile(of: keyFile), startup.appending(path: "intermediate.key")]
            .map(\.lastPathComponent) + [KitManifest.file, KitManifest.signatureFile]
        for name in try FileManager.default.contentsOfDirectory(atPath: startup.path).sorted()
        where manifest.files["startup/\(name)"] == nil && !own.contains(name) {
            faults.append("startup/\(name) is no file of this kit")
        }
        guard faults.isEmpty else {
            throw ProvisioningError.kit(
                "The kit of \(settings.name) is not as it was made:\n"
                    + faults.map { "  - \($0)\n" }.joined() + "Get it again from the coordinator.")
        }
        return manifest.files.count
    }
}
