import Federation
import Foundation
import Privacy
import Study
import Testing

/// What a run promised, held by a site that takes part in it.
extension SiteRulesTests {
    /// Noise of the bits by which a clipping norm adapts is noise too.
    @Test func bitsAreHeldAgainstTheLeastNoise() throws {
        try withDataset(10) { folders, scratch in
            func refusal(_ bits: Double) throws -> String {
                let run = try run(
                    """
                    unit: site, noise_multiplier: 4, delta: 1e-5, clipping_norm: 1,
                    adaptive_clipping: {bit_noise: \(bits), fewest_sites: 1}
                    """)
                let site = try StudySite(
                    RunFile.Site(dataset: "301"), of: run, folders: folders, device: "cpu", threads: 1)
                do {
                    _ = try SiteParticipation(
                        site, in: run, called: "test",
                        rules: SiteRules(
                            yaml:
                                "privacy: {required: {unit: site, least_noise_multiplier: 3}, plain_releases: [fingerprint]}"
                        ),
                        ledgers: scratch.appending(path: "ledgers"))
                    return ""
                } catch FederationError.policy(let fact) { return fact }
            }
            let (quiet, enough) = (try refusal(1.4), try refusal(1.5))
            #expect(quiet.contains("noise must be at least 3 times") && enough == "", "\(quiet), \(enough)")
        }
    }

    /// A participant in a run of its own, of ten cases.
    private func participant(
        _ run: RunFile, _ rules: String, scratch: URL
    ) throws -> (Federation.Site, PrivacyLedger) {
        var site: StudySite?
        try withDataset(10) { folders, _ in
            site = try StudySite(
                RunFile.Site(dataset: "301"), of: run, folders: folders, device: "cpu", threads: 1)
        }
        let participation = try SiteParticipation(
            #require(site), in: run, called: "run", rules: SiteRules(yaml: rules), ledgers: scratch)
        return (
            try participation.participant(called: "a", learner: Told(), filters: []),
            try PrivacyLedger(folder: scratch.appending(path: "Dataset301_Prostate"))
        )
    }

    private func train(_ site: Federation.Site, rounds: Int) async throws -> String {
        for round in 1...rounds {
            do {
                _ = try await site.perform(.train(TrainTask(round: round, rounds: rounds, model: Weights())))
            } catch { return "\(round): \(error)" }
        }
        return ""
    }

    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "cohort-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        try await body(scratch)
    }

    /// Rounds that the server asks for again, or beyond the plan, are not trained: of a run with an ε, of one whose noise is
    /// given, and of one that the policy bounds.
    @Test(arguments: ["epsilon: 8", "noise_multiplier: 2", "noise_multiplier: 9"])
    func aRunEndsWhereItsPromiseDoes(amount: String) async throws {
        let run = try run(
            "unit: site, \(amount), delta: 1e-5, clipping_norm: 1", "training: {rounds: 3, warm_up_rounds: 1}\n")
        let settings = try #require(run.privacy.differentialPrivacy).siteLevel(of: run)
        let four = Accountant.renyi.epsilon(of: try settings.events.map { try $0.composed(4) }, at: 1e-5)
        for rules in ["{}", "privacy: {required: {unit: site, most_epsilon: \(four)}, plain_releases: [fingerprint]}"] {
            try await withFolder { scratch in
                let (site, ledger) = try participant(run, rules, scratch: scratch)
                // Over and over the same rounds: the fifth booking is refused.
                #expect(try await train(site, rounds: 3) == "")
                let again = try await train(site, rounds: 3)
                #expect(again.hasPrefix("2: ") && again.contains("as a whole it may cost"), "\(again)")
                #expect(abs(try await ledger.epsilon(of: .site, at: 1e-5) / four - 1) < 1e-9)
            }
        }
    }

    /// Leave is what the policy and the run both give.
    @Test func nothingLeavesThatTheRunDoesNotState() async throws {
        let all = "privacy: {plain_releases: [fingerprint, counts, metrics, model]}"
        let promise = "unit: site, noise_multiplier: 4, delta: 1e-5, clipping_norm: 1, releases: [fingerprint]"
        for rules in [all, "{}"] {
            try await withFolder { scratch in
                let (site, ledger) = try participant(run(promise), rules, scratch: scratch)
                await #expect(throws: (any Error).self) { try await site.perform(.sendModel) }
                #expect(try await ledger.summary(delta: 1e-5).releases.isEmpty)
            }
        }
        // Nor does a run that only prepares get more than a fingerprint, whatever the server asks for.
        for privacy in ["", promise] {
            try await withFolder { scratch in
                let prepares = try run(privacy, "task: plan_and_preprocess\n")
                let (site, ledger) = try participant(prepares, all, scratch: scratch)
                await #expect(throws: (any Error).self) { try await site.perform(.sendModel) }
                if privacy.isEmpty { #expect(try await train(site, rounds: 1) != "") }
                #expect(try await ledger.summary(delta: 1e-5).releases.isEmpty)
            }
        }
    }
}
