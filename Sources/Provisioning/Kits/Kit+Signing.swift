import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Kit {
    /// When the intermediate certificate ends, with which a server signs sites.
    ///
    /// - Throws: `ProvisioningError` where the server could not sign with it.
    public func signingEnd(passphrase: () throws -> String? = { nil }) throws -> Date {
        try certificateAuthority(passphrase: passphrase).certificate.notValidAfter
    }

    /// The root key, where it lies beside a server's kit as `cohort provision` made it; it should be elsewhere.
    public var rootKeyNearby: URL? {
        let above = folder.deletingLastPathComponent()
        return [above, above.deletingLastPathComponent()].map { $0.appending(path: "authority/offline/root.key") }
            .first(where: DurableFile.exists)
    }
}
