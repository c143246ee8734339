import Federation
import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Simulation {
    /// A simulated site's ledgers are the run's: it ends with its folder.
    func ledgers(_ site: StudySite) -> URL { site.folders.results.appending(path: "privacy-ledgers") }

    /// Says what every site's ledger holds at the end.
    func tellSpent() async throws {
        guard let promise = run.privacy.differentialPrivacy, promise.seed == nil, let unit = promise.unit else {
            return
        }
        for site in sites {
            let ledger = try PrivacyLedger(
                folder: ledgers(site).appending(path: site.dataset), accountant: promise.accountant)
            let spent = try await ledger.epsilon(of: unit, at: promise.delta ?? 0)
            print(
                "\(site.name): ε \((spent * 1000).rounded() / 1000) is spent on \(unit == .site ? "the site" : "each record")"
            )
        }
    }
}
