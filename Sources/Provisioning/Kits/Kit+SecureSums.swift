#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Kit {
    /// The CKKS key that all sites of a federation share: 32 bytes in `local/ckks.key`, which its owner alone may read; nil
    /// where there is none.
    ///
    /// - Throws: `ProvisioningError.key`.
    public func ckksKey() throws -> Data? {
        let file = local.appending(path: "ckks.key")
        guard DurableFile.exists(file) else { return nil }
        try DurableFile.checkIsSecret(file)
        let key = try DurableFile.read(file, upTo: 64)
        guard key.count == 32 else {
            throw ProvisioningError.key("ckks.key has \(key.count) bytes and not 32; get it from another site again")
        }
        return key
    }

    /// Keys that the site's people have compared with other sites: SHA-256 of each site's key by its name, in
    /// `local/site-keys.json`. nil where there is no such file; then every key counts that the authority vouches for.
    ///
    /// - Throws: `ProvisioningError.kit`.
    public func siteKeys() throws -> [String: String]? {
        let file = local.appending(path: "site-keys.json")
        guard DurableFile.exists(file) else { return nil }
        let keys = try JSONText.decode(
            [String: String].self, DurableFile.read(file, upTo: 1 << 20), file: file.lastPathComponent,
            what: "list of sites and their keys' fingerprints")
        return keys.mapValues { $0.lowercased().filter { $0 != ":" && $0 != " " } }
    }
}
