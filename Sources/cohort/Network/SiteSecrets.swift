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
