import Crypto
import Federation
import Privacy
import Provisioning
import Study

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

/// What a site gives to runs whose updates are summed in secret.
struct SiteSecrets: Sendable {
    let signer: CertificateSigner
    let verifier: CertificateVerifier
    let ckksKey: Data?

    init(_ kit: Kit, key: PrivateKey) throws {
        signer = CertificateSigner(kit: kit, key: key)
        var keys = try kit.siteKeys()
        // Nobody compares a key with its own.
        keys?[kit.settings.name] = try kit.certificateChain().keyFingerprint
        verifier = CertificateVerifier(authority: kit.authority, keys: keys)
        ckksKey = try kit.ckksKey()
    }
}

extension StrategyPlace {
    /// A server, which knows sites by the authority of its kit.
    static func server(_ authority: Authority, run: UInt64, order: String) -> StrategyPlace {
        StrategyPlace(
            run: name(run, order), keys: .certificates(signers: [:], CertificateVerifier(authority: authority)))
    }

    /// A site in one run.
    ///
    /// - Parameter folder: of the run.
    static func site(_ name: String, _ secrets: SiteSecrets?, run: UInt64, order: String, folder: URL) -> StrategyPlace
    {
        StrategyPlace(
            run: Self.name(run, order), folder: folder.appending(path: "filters"),
            keys: secrets.map { .certificates(signers: [name: $0.signer], $0.verifier) } ?? .none,
            ckksKey: secrets?.ckksKey)
    }

    /// By the server's number and the text of the run file.
    private static func name(_ run: UInt64, _ order: String) -> String {
        "run \(run) " + SHA256.hash(data: Data(order.utf8)).map { String($0, radix: 16) }.joined(separator: ".")
    }
}
