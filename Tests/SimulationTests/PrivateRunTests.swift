import Federation
import NNUNet
import Privacy
import Study
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Simulations of small hospitals with differential privacy: what they book, what they tell, and where they stop.
@Suite(.serialized) struct PrivateRunTests {
    private final class Lines: Sendable {
        let text = Mutex("")
        func write(_ line: String) { text.withLock { $0 += line + "\n" } }
        var all: String { text.withLock { $0 } }
    }

    private func hospitals() throws -> PhantomFederation {
        try PhantomFederation([.init(name: "north"), .init(name: "south")])
    }

    /// - Returns: what was printed, and the error that ended the run.
    private func simulate(
        _ data: PhantomFederation, _ name: String, _ more: String, rules: String = "{}"
    ) async throws -> (printed: String, error: (any Error)?) {
        let run = try RunFile(
            yaml: """
                name: \(name)
                sites: [{name: north, dataset: 301}, {name: south, dataset: 302}]
                training: {rounds: 2, iterations_per_epoch: 2}
                validation: {overlays: 0}
                output: \(data.url.appending(path: name).path)
                device: cpu

                """ + more)
        let lines = Lines()
        let simulation = try Simulation(
            run, folders: data.folders(name), tools: PhantomEngine(), cores: 2, rules: try SiteRules(yaml: rules)
        ) { lines.write($0) }
        do {
            try await simulation.start()
            return (lines.all, nil)
        } catch { return (lines.all, error) }
    }

    private func ledger(_ data: PhantomFederation, _ name: String, _ site: String, _ dataset: String) throws
        -> PrivacyLedger
    {
        let folder = data.url.appending(path: "\(name)/sites/\(site)/privacy-ledgers/\(dataset)")
        #expect(FileManager.default.fileExists(atPath: folder.appending(path: "ledger.jsonl").path))
        return try PrivacyLedger(folder: folder)
    }

    private func rounds(_ data: PhantomFederation, _ name: String) throws -> Int {
        try MetricsLog.records(at: data.url.appending(path: name).appending(path: "metrics.jsonl")).count
    }

    private static let record = """
        strategy: {weights: uniform, minimum_sites: 2}
        privacy:
          differential_privacy:
            {unit: record, noise_multiplier: 1.5, delta: 1e-3, expected_batch: 2, releases: [RELEASES]}
        """

    /// Four of six cases train: a chance of one half.
    private func steps(_ count: Int) throws -> Double {
        Accountant.renyi.epsilon(
            of: [try PrivacyEvent.sampledGaussian(rate: 0.5, noiseMultiplier: 1.5).composed(count)], at: 1e-3)
    }

    @Test func recordsAreBookedBeforeEveryRound() async throws {
        let data = try hospitals()
        let told = try await simulate(
            data, "told", Self.record.replacing("RELEASES", with: "fingerprint, metrics"))
        #expect(told.error == nil, "\(told)")
        let expected = try steps(4)
        for (site, dataset) in [("north", "Dataset301_north"), ("south", "Dataset302_south")] {
            let ledger = try ledger(data, "told", site, dataset)
            #expect(abs(try await ledger.epsilon(of: .record, at: 1e-3) - expected) < 1e-9)
            let summary = try await ledger.summary(delta: 1e-3)
            #expect(summary.records == 4 && summary.rows.map(\.bookings) == [2] && summary.rows.map(\.count) == [4])
            #expect(
                summary.releases.contains { $0.kind == .fingerprint }
                    && summary.releases.contains { $0.kind == .metrics })
            #expect(!summary.releases.contains { $0.kind == .counts || $0.kind == .model })
            #expect(told.printed.contains("\(site): privacy of each record: ε"), "\(told.printed)")
        }
        #expect(told.printed.contains("is spent on each record"))
        let records = try MetricsLog.records(at: data.url.appending(path: "told/metrics.jsonl"))
        #expect(
            records.allSatisfy {
                $0.globalMetrics["dice"]?.isFinite == true && $0.sites.allSatisfy { $0.examples == 1 }
            })

        let page = try String(contentsOf: data.url.appending(path: "told/report.html"), encoding: .utf8)
        #expect(page.contains("their numbers of cases are not told"))

        // Without leave for metrics none leave, and the run goes on all the same.
        let silent = try await simulate(data, "silent", Self.record.replacing("RELEASES", with: "fingerprint"))
        #expect(silent.error == nil, "\(silent)")
        for record in try MetricsLog.records(at: data.url.appending(path: "silent/metrics.jsonl")) {
            #expect(record.globalMetrics.isEmpty && record.sites.allSatisfy { $0.metrics.isEmpty })
        }
        let summary = try await ledger(data, "silent", "north", "Dataset301_north").summary(delta: 1e-3)
        #expect(summary.releases.map(\.kind) == [.fingerprint])
    }

    @Test func beyondTheCapNothingIsTrainedAndNothingSent() async throws {
        let data = try hospitals()
        let cap = try (steps(2) + steps(4)) / 2
        let policy = "privacy: {cap: {epsilon: \(cap), delta: 1e-3}, plain_releases: [fingerprint]}"
        let run = Self.record.replacing("RELEASES", with: "fingerprint")
        let capped = try await simulate(data, "capped", run, rules: policy)
        let error = try #require(capped.error)
        #expect("\(error)".contains("privacy that this site gives"), "\(error)")
        // The first round was made, and the second booked nothing.
        #expect(try rounds(data, "capped") == 1)
        let summary = try await ledger(data, "capped", "north", "Dataset301_north").summary(delta: 1e-3)
        #expect(summary.rows.map(\.bookings) == [1] && summary.recordEpsilon <= cap)
        let states = try FileManager.default.subpathsOfDirectory(atPath: data.url.appending(path: "capped/sites").path)
        #expect(
            states.contains { $0.hasSuffix("bounded_epoch_1.pth") }
                && !states.contains { $0.hasSuffix("bounded_epoch_2.pth") })

        // Nor does a run begin that asks for leave that is not given, or promises another unit.
        for (rules, words) in [
            ("privacy: {}", "gives no leave"),
            ("privacy: {required: site, plain_releases: [fingerprint]}", "unit site"),
            ("fewest_cases: 5\n" + policy, "fewer than the 5 cases"),
        ] {
            let refused = try await simulate(data, "refused", run, rules: rules)
            #expect(refused.error.map { "\($0)".contains(words) } == true, "\(refused)")
            let folder = data.url.appending(path: "refused")
            #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "metrics.jsonl").path))
            try? FileManager.default.removeItem(at: folder)
        }
    }

    @Test func patientsAreTheRecordsWhereAColumnSaysSo() async throws {
        let data = try hospitals()
        let run = Self.record.replacing("RELEASES", with: "fingerprint")
            .replacing("expected_batch: 2", with: "expected_batch: 1, patients: patient")
        let without = try await simulate(data, "without", run)
        #expect(without.error != nil)
        for index in 0..<2 {
            let folder = data.folders("").raw.appending(path: data.dataset(index))
            let cases = try RawDataset(folder: folder).cases.map(\.identifier)
            let rows = cases.enumerated().map { "\($1),P\($0 % 3)" }
            try Data((["case,patient"] + rows).joined(separator: "\n").utf8).write(
                to: folder.appending(path: "patients.csv"))
        }
        let grouped = try await simulate(data, "grouped", run)
        #expect(grouped.error == nil, "\(grouped)")
        let summary = try await ledger(data, "grouped", "north", "Dataset301_north").summary(delta: 1e-3)
        // Four cases of at most three patients.
        #expect((2...3).contains(summary.records) && summary.rows.map(\.bookings) == [2])
    }

    private static let site = """
        strategy: {weights: uniform, update: difference, minimum_sites: 2}
        privacy:
          differential_privacy:
            {unit: site, noise_multiplier: 0.02, delta: 1e-3, clipping_norm: 0.05, noise: NOISE, releases: [fingerprint]}
        """

    @Test(arguments: ["server", "{shared: 2}"]) func wholeSitesAreClippedNoisedAndBooked(noise: String) async throws {
        let data = try hospitals()
        let run = Self.site.replacing("NOISE", with: noise)
        let made = try await simulate(data, "made", run)
        #expect(made.error == nil, "\(made)")
        let summary = try await ledger(data, "made", "south", "Dataset302_south").summary(delta: 1e-3)
        #expect(summary.rows.map(\.unit) == [.site] && summary.rows.map(\.count) == [2])
        let expected = Accountant.renyi.epsilon(of: [try PrivacyEvent.gaussian(0.02).composed(2)], at: 1e-3)
        #expect(abs(summary.siteEpsilon / expected - 1) < 1e-9)

        // A round moves the model by no more than the norm and the noise of all values.
        let server = data.url.appending(path: "made/server")
        let one = try WeightsFile(server.appending(path: "global-1.safetensors")).weights()
        let two = try WeightsFile(server.appending(path: "global-2.safetensors")).weights()
        var (squares, count) = (0.0, 0.0)
        for (a, b) in zip(one.tensors, two.tensors) {
            for (x, y) in zip(a.floats ?? [], b.floats ?? []) {
                squares += Double(x - y) * Double(x - y)
                count += 1
            }
        }
        // The mean of two: half of σ·C, where the server makes it.
        let sigma = 0.02 * 0.05 / 2
        #expect(squares.squareRoot() <= 0.05 + 1.1 * sigma * count.squareRoot())
        #expect(squares.squareRoot() >= 0.9 * sigma * count.squareRoot(), "there is no noise of that size")

        let cap = 1.5 * expected / 2
        let capped = try await simulate(
            data, "capped", run,
            rules: "privacy: {cap: {epsilon: \(cap), delta: 1e-3}, plain_releases: [fingerprint]}")
        #expect(capped.error.map { "\($0)".contains("the site allows") } == true, "\(capped)")
        #expect(try rounds(data, "capped") == 1)
    }

    /// What a run was let in for is all that it may ask for; and what a site's filters do not touch does not leave.
    @Test func aServerMayAskForNoMoreThanItsRun() async throws {
        let data = try hospitals()
        func participant(_ task: String, _ rules: String) throws -> Federation.Site {
            let run = try RunFile(
                yaml: "task: \(task)\nsites: [{name: north, dataset: 301}]\nstrategy: {update: difference}")
            let site = try StudySite(run.sites[0], of: run, folders: data.folders("run"), device: nil, threads: 1)
            return try SiteParticipation(
                site, in: run, called: "r", rules: SiteRules(yaml: rules), ledgers: data.url.appending(path: "ledgers")
            ).participant(called: "north", learner: data.learner(0, run: "run"), filters: [])
        }
        let train = SiteTask.train(TrainTask(round: 1, rounds: 1, model: Weights([])))
        for task in ["plan_and_preprocess", "extract_fingerprint"] {
            await #expect(throws: FederationError.policy("it does not allow to train")) {
                try await participant(task, "{}").perform(train)
            }
            await #expect(throws: FederationError.policy("it does not allow to send-model")) {
                try await participant(task, "{}").perform(.sendModel)
            }
        }
        await #expect(throws: FederationError.policy("it does not allow to send-model")) {
            try await participant("train", "required_filters: [percentile]").perform(.sendModel)
        }
    }

    /// A run without privacy, after one that had it, stands in the same ledger: what it releases hides nobody.
    @Test func aPlainRunIsNotedWhereALedgerIs() async throws {
        let data = try hospitals()
        let ledgers = data.url.appending(path: "ledgers")
        func ask(_ more: String, _ name: String) async throws {
            let run = try RunFile(yaml: "sites: [{name: north, dataset: 301}, {name: south, dataset: 302}]\n" + more)
            let site = try StudySite(run.sites[0], of: run, folders: data.folders("run"), device: nil, threads: 1)
            let question = try JSONEncoder().encode(NNUNetQuestion.dataset)
            _ = try await SiteParticipation(
                site, in: run, called: name, rules: SiteRules(yaml: "{}"), ledgers: ledgers
            ).participant(called: "north", learner: data.learner(0, run: "run"), filters: [])
                .perform(.answer(Question(question)))
        }
        let folder = ledgers.appending(path: "Dataset301_north")
        try await ask("", "before")
        #expect(!PrivacyLedger.exists(in: folder))
        try await ask(Self.record.replacing("RELEASES", with: "fingerprint"), "private")
        try await ask("", "after")
        let summary = try await PrivacyLedger(folder: folder).summary(delta: 1e-3)
        #expect(summary.releases.map(\.run) == ["private", "after"])
    }
}
