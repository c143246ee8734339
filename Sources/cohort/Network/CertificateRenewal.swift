import Fleet
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Renews a site's certificate in its last third, for the same key, while the site works.
struct CertificateRenewal {
    let kit: Kit
    /// Of the kit.
    let key: PrivateKey
    let connection: HTTPSClient
    /// Where the site lists what leaves.
    let state: URL
    let log: @Sendable (String) -> Void

    /// Looks at the certificate's life every hour, until it is cancelled. What fails is tried again.
    func run() async throws {
        var said: String?
        while true {
            do {
                try await renewIfDue()
                said = nil
            } catch let error as CancellationError {
                throw error
            } catch {
                let line = "the certificate cannot be renewed: \(error)"
                if line != said { log(line) }
                said = line
            }
            try await Task.sleep(for: .seconds(3600))
        }
    }

    func renewIfDue(at now: Date = Date()) async throws {
        guard Renewal.isDue(try await kit.participant(at: now), at: now) else { return }
        let renewal = try Renewal(of: kit, key: key)
        let reply = try await EnrolmentOverHTTPS(listedIn: state).send(
            renewal.request, to: kit.settings.server, authority: kit.authority)
        let participant = try await renewal.complete(reply)
        try connection.present(
            TLSIdentity(certificateChain: kit.certificateChain().pem, privateKey: key.pem()))
        log("the certificate is renewed and holds until \(participant.notAfter.formatted(.iso8601))")
    }
}
