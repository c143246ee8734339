import Privacy
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A site's signature in secure sums: that of its certificate's key, with the certificates themselves.
struct CertificateSigner: SiteSigner {
    let kit: Kit
    let key: PrivateKey

    func sign(_ message: Data) throws -> Data {
        // Read anew: it may have been renewed meanwhile.
        try JSONEncoder().encode(SignedStatement(message, key: key, chain: kit.certificateChain()))
    }
}

/// Believes what a site has signed whose certificate leads to the kit's own authority and has the site's name, whoever brought
/// it.
struct CertificateVerifier: SiteVerifier {
    let authority: Authority
    /// Keys' fingerprints by site, where people have compared them: then no other is believed.
    var keys: [String: String]?

    func isValid(_ signature: Data, of message: Data, by site: String) -> Bool {
        guard signature.count <= 1 << 16,
            let statement = try? JSONDecoder().decode(SignedStatement.self, from: signature),
            let signer = try? statement.signer(of: message, by: authority),
            signer.participant.kind == .site, signer.participant.name == site
        else { return false }
        return keys.map { $0[site] == signer.keyFingerprint } ?? true
    }
}
