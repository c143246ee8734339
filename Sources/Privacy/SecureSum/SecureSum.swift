import Crypto
public import Federation
import Synchronization

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Sums updates so that the server learns their weighted mean and none of them: masks that cancel in the sum.
///
/// Bonawitz et al. 2017, ACM CCS, on the graph of Bell et al. 2020, ACM CCS. Each site makes X25519 keys for every round and
/// signs them; with each neighbour it derives a mask by HKDF and AES-256-CTR, which one adds and the other takes away, and a
/// mask of its own from a secret seed. Seed and mask key are shared (Shamir) among the neighbours: when an update came they
/// tell the seed, when it did not the mask key, and no site ever tells both. Sites sign whose updates they let be opened.
public struct SecureSum: SealingFilter {
    public let name = "secure-sum"
    public let settings: SecureSumSettings
    private let collector: SumCollector
    private let participants: [String: SumParticipant]

    /// - Parameters:
    ///   - run: tells this run from all others; the same at the server and all sites.
    ///   - weighting: the run's; the weights that the server states must be of this rule.
    ///   - folder: of the run at the site, which keeps there what it has opened; nil keeps it in memory.
    ///   - signers: of the sites whose half is here: at a site one, at a server none, in a simulation all.
    ///   - verifier: knows all sites' keys, and does not have them from the server.
    /// - Throws: `PrivacyError.setting`.
    public init(
        _ settings: SecureSumSettings = SecureSumSettings(), run: String, weighting: SiteWeighting = SiteWeighting(),
        folder: URL? = nil, signers: [String: any SiteSigner] = [:], verifier: any SiteVerifier
    ) throws {
        try settings.validate()
        self.settings = settings
        collector = SumCollector(settings, run: run, verifier: verifier)
        participants = Dictionary(
            uniqueKeysWithValues: signers.map { site, signer in
                let opened = OpenedRounds(folder, run: run, site: site)
                return (
                    site,
                    SumParticipant(
                        site, settings, run: run, weighting: weighting, opened: opened, signer: signer,
                        verifier: verifier)
                )
            })
    }

    /// For a run in one process: both halves, with signing keys made on the spot.
    public static func simulated(
        _ settings: SecureSumSettings = SecureSumSettings(), run: String = "simulation",
        weighting: SiteWeighting = SiteWeighting(), sites: [String]
    ) throws -> SecureSum {
        let keys = Dictionary(
            sites.map { ($0, Curve25519.Signing.PrivateKey()) }, uniquingKeysWith: { a, _ in a })
        return try SecureSum(
            settings, run: run, weighting: weighting, signers: keys,
            verifier: SiteKeys(keys.mapValues { .ed25519($0.publicKey) }))
    }

    // MARK: At a site

    public func admit(_ task: TrainTask, site: String) async throws { try await participant(site).admit(task) }

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        try await participant(context.site).seal(update, round: context.round)
    }

    public func answer(_ question: Data, site: String) async throws -> Data {
        try await participant(site).answer(question)
    }

    private func participant(_ site: String) throws -> SumParticipant {
        guard let participant = participants[site] else {
            throw PrivacyError.setting(
                "\(site) has no key to sign with for secure sums. Give it that of its certificate.")
        }
        return participant
    }

    // MARK: At the server

    public var fewestUpdates: Int { settings.fewestSites }

    public func admit(_ plan: SharingPlan) throws {
        try SumLayout(plan, sites: plan.sites.map(\.name)).requireEnough(settings)
    }

    public func exchange(_ moment: FilterMoment, _ round: SealedRound) throws -> (any Preparation)? {
        switch moment {
        case .beforeTraining: SumAgreement(name, collector, round)
        case .afterTraining: SumDisclosure(name, collector, round: round.round)
        }
    }

    /// The hash over keys, sites, weights and tensors that the sum is bound to.
    public func session(_ round: SealedRound) -> Data? { try? collector.group(round: round.round).binding }

    public func check(_ update: ModelUpdate, from site: String, _ round: SealedRound) throws {
        try collector.check(update, from: site, round: round.round)
    }

    public func open(_ updates: [String: ModelUpdate], _ round: SealedRound) async throws -> OpenedUpdate {
        try collector.open(updates, round: round.round)
    }
}
