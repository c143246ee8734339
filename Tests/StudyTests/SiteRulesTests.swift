import Federation
import Foundation
import NNUNet
import Privacy
import Study
import Testing

/// What a site's own policy says of privacy, and what it does to runs.
@Suite struct SiteRulesTests {
    private static let whole = """
        min_dataset_size: 30
        fewest_cases: 20
        max_model_size_mb: 300
        largest_message_mb: 500
        blocked_data_fields: [Patient-ID, dob]
        required_filters: [{percentile: {percentile: 5, gamma: 0.02}}, {svt: {form: legacy, fraction: 0.9}}, {block: weights}]
        privacy:
          required: {unit: record, most_epsilon: 8, delta: 1e-5, least_noise_multiplier: 0.8}
          cap: {epsilon: 20, delta: 1e-5}
          cap_of_dataset: {Dataset301_Prostate: {epsilon: 3, delta: 1e-6}}
          plain_releases: [fingerprint, metrics]
          accountant: pld
        """

    @Test func thePolicyIsRead() throws {
        let rules = try SiteRules(yaml: Self.whole)
        // Of two words for one thing the stricter holds.
        #expect(rules.policy.fewestCases == 30 && rules.policy.largestMessage == 300_000_000)
        #expect(rules.blockedFields.contains("patient_id") && rules.blockedFields.contains("DOB"))
        #expect(!rules.blockedFields.contains("patient"))
        let percentile = Percentile.Settings.self
        var five = percentile.init()
        (five.percentile, five.gamma) = (5, 0.02)
        var legacy = SparseVector.Settings()
        (legacy.form, legacy.fraction) = (.legacy, 0.9)
        #expect(rules.filters == [.percentile(five), .sparseVector(legacy), .block(.weights)])
        let privacy = try #require(rules.privacy)
        #expect(privacy.required?.unit == .record && privacy.required?.mostEpsilon == 8)
        #expect(privacy.required?.delta == 1e-5 && privacy.required?.leastNoiseMultiplier == 0.8)
        #expect(privacy.cap?.epsilon == 20 && privacy.capOfDataset["Dataset301_Prostate"]?.delta == 1e-6)
        #expect(privacy.plainReleases == [.fingerprint, .metrics] && privacy.accountant == .lossDistribution)
        #expect(try SiteRules(yaml: "privacy: {required: site}").privacy?.required == .init(.site))
        // The part alone lets nothing out without noise.
        #expect(try SiteRules(yaml: "privacy: {}").privacy?.plainReleases == [])
        #expect(try SiteRules(yaml: "{}").privacy == nil)
        #expect(throws: RunFileError.self) { _ = try SiteRules(yaml: "privacy:\nwork: [train]") }
    }

    @Test(arguments: [
        ("most_epsilon: 8", "most_epsilo: 8", "did you mean most_epsilon?"),
        ("most_epsilon: 8", "most_epsilon: 0", "above 0"),
        ("unit: record", "unit: patient", "record"), ("epsilon: 20", "epsilon: -1", "0 or more"),
        ("delta: 1e-6", "delta: 2", "below 1"), ("{epsilon: 20, delta: 1e-5}", "{epsilon: 20}", "delta is missing"),
        ("{epsilon: 20, delta: 1e-5}", "20", "epsilon"),
        ("[fingerprint, metrics]", "[fingerprints]", "such as [fingerprint"),
        ("fraction: 0.9", "fraction: 2", "up to 1"), ("gamma: 0.02", "gamma: 0", "above 0"),
        ("block: weights", "block: everything", "weights"), ("accountant: pld", "accountant: exact", "pld"),
        ("min_dataset_size: 30", "min_dataset_size: -1", "0 or more"),
        ("max_model_size_mb: 300", "max_model_size_mb: 0", "above 0"),
        ("percentile: 5", "percentile: 101", "0 to 100"), ("svt:", "sparse:", "known here"),
    ])
    func whatCannotBeReadAllowsNothing(old: String, new: String, words: String) {
        #expect {
            _ = try SiteRules(yaml: Self.whole.replacing(old, with: new))
        } throws: {
            "\($0)".contains(words)
        }
    }

    func run(_ privacy: String = "", _ more: String = "") throws -> RunFile {
        try RunFile(
            yaml: "sites: [{dataset: 301}]\nstrategy: {weights: uniform, update: difference}\n\(more)"
                + (privacy.isEmpty ? "" : "privacy: {differential_privacy: {\(privacy)}}"))
    }

    private func refusal(_ rules: String, _ run: RunFile) throws -> String {
        let rules = try SiteRules(yaml: rules)
        do {
            try rules.admit(run)
            return ""
        } catch FederationError.policy(let fact) { return fact }
    }

    private static let record = "unit: record, epsilon: 8, delta: 1e-5, expected_batch: 4"

    @Test func aRunThatPromisesLessIsRefused() throws {
        let record = try run(Self.record)
        let site = try run("unit: site, noise_multiplier: 4, delta: 1e-5, clipping_norm: 1")
        let plain = try run()
        let policy = "privacy: {required: record, plain_releases: [fingerprint]}"
        #expect(try refusal(policy, record) == "")
        #expect(try refusal(policy, site).contains("must have differential privacy with the unit record"))
        #expect(try refusal(policy, plain).contains("this one has none"))
        // FLARE's switch, off, is none.
        let off = try run("enabled: false, epsilon: 8, delta: 1e-5, max_grad_norm: 1")
        #expect(try refusal(policy, off).contains("this one has none"))
    }

    @Test func aRunGroupsByTheColumnThatIsRequired() throws {
        let policy = "privacy: {required: {unit: record, patients: Patient-ID}, plain_releases: [fingerprint]}"
        #expect(try refusal(policy, run(Self.record)).contains("takes each case for one"))
        #expect(try refusal(policy, run(Self.record + ", patients: mrn")).contains("goes by mrn"))
        #expect(try refusal(policy, run(Self.record + ", patients: patient_id")) == "")
        #expect(throws: RunFileError.self) {
            _ = try SiteRules(yaml: "privacy: {required: {unit: site, patients: patient}}")
        }
    }

    /// A run that only prepares asks for fingerprints; what it promises of a training must be enough all the same.
    @Test func aRunThatTrainsNothingIsHeldToWhatItPromises() throws {
        let policy = "privacy: {required: record, plain_releases: [fingerprint]}"
        for task in ["plan_and_preprocess", "extract_fingerprint"] {
            #expect(try refusal(policy, run("", "task: \(task)\n")) == "")
            #expect(try refusal(policy, run(Self.record, "task: \(task)\n")) == "")
            let site = try run("unit: site, noise_multiplier: 4, delta: 1e-5, clipping_norm: 1", "task: \(task)\n")
            #expect(try refusal(policy, site).contains("must have differential privacy with the unit record"))
        }
    }

    @Test func whatIsReleasedWithoutNoiseNeedsLeave() throws {
        #expect(try refusal("privacy: {plain_releases: [fingerprint]}", run()).contains("counts, metrics, model"))
        #expect(try refusal("privacy: {plain_releases: [fingerprint, counts, metrics, model]}", run()) == "")
        let metrics = try run(Self.record + ", releases: [fingerprint, metrics]")
        #expect(try refusal("privacy: {plain_releases: [fingerprint]}", metrics).contains("without noise: metrics"))
        #expect(try refusal("privacy: {}", metrics).contains("fingerprint, metrics"))
        let seeded = try run(Self.record + ", seed: 1")
        #expect(try refusal("privacy: {plain_releases: [fingerprint]}", seeded).contains("seeded-noise"))
        #expect(try refusal("{}", seeded) == "")
        #expect(try refusal("{}", run()) == "")
    }

    @Test func aSiteMayAskForSecureSums() throws {
        func run(_ strategy: String, sites: Int = 4) throws -> RunFile {
            let names = (1...sites).map { "{name: s\($0), dataset: \($0)}" }.joined(separator: ", ")
            return try RunFile(yaml: "sites: [\(names)]\nstrategy: {\(strategy)}")
        }
        let required = "secure_sums: required"
        #expect(try refusal(required, run("weights: uniform")).contains("the run has none"))
        #expect(try refusal(required, run("secure_aggregation: masks")) == "")
        #expect(try refusal(required, run("secure_aggregation: lattice")) == "")
        // Under CKKS each site holds the key.
        #expect(try refusal(required, run("secure_aggregation: ckks")).contains("secure_aggregation: ckks"))
        #expect(try refusal("secure_sums: {forms: [ckks]}", run("secure_aggregation: ckks")) == "")
        #expect(
            try refusal(required, run("secure_aggregation: {masks: {allow_two_sites: true}}")).contains("sums of 2"))
        #expect(try refusal("secure_sums: {fewest_sites: 4}", run("secure_aggregation: masks")).contains("sums of 3"))
        #expect(
            try refusal("secure_sums: {fewest_sites: 4}", run("secure_aggregation: masks, minimum_sites: 4")) == "")
        #expect(
            try refusal("secure_sums: {largest_share: 0.4}", run("secure_aggregation: {masks: {largest_share: 0.8}}"))
                .contains("largest_share is 0.8"))
        #expect(
            try refusal(required, run("secure_aggregation: {masks: {threshold: 0.5}}")).contains("threshold is 0.5"))
        #expect(throws: RunFileError.self) { _ = try SiteRules(yaml: "secure_sums: {fewest_sites: 2}") }
        #expect(throws: RunFileError.self) { _ = try SiteRules(yaml: "secure_sums: requird") }
    }

    @Test func filtersThatCannotReadAnUpdateRefuseTheRun() throws {
        let weights = try RunFile(yaml: "sites: [{dataset: 301}]")
        #expect(try refusal("required_filters: [percentile]", weights).contains("work on differences"))
        #expect(try refusal("required_filters: [{block: weights}]", weights).contains("of the kind weights"))
        #expect(try refusal("required_filters: [{block: difference}]", weights) == "")
        #expect(try refusal("required_filters: [percentile, svt]", run()) == "")
        let crossing = try run("", "validation: {cross_site: true}\n")
        #expect(try refusal("required_filters: [percentile]", crossing).contains("cross-site validation sends"))
        #expect(try refusal("required_filters: [svt]", run(Self.record)).contains("divide by an update's steps"))
        #expect(try refusal("required_filters: [svt]", run(Self.record + ", releases: [fingerprint, counts]")) == "")
    }

    @Test func aBlockedFieldNamesNoPatients() throws {
        let grouped = try run(Self.record + ", patients: patient_id")
        #expect(try refusal("blocked_data_fields: [patient-id]", grouped).contains("among blocked_data_fields"))
        #expect(try refusal("blocked_data_fields: [mrn]", grouped) == "")
    }

    /// A dataset of empty files, enough for what needs no voxel.
    func withDataset(_ cases: Int, _ body: (DatasetFolders, URL) throws -> Void) throws {
        try withScratchFolder { scratch in
            let folders = NNUNetFolders.empty(scratch)
            let dataset = folders.raw.appending(path: "Dataset301_Prostate")
            for part in ["imagesTr", "labelsTr"] {
                try FileManager.default.createDirectory(
                    at: dataset.appending(path: part), withIntermediateDirectories: true)
            }
            try Data(
                """
                {"channel_names": {"0": "T2"}, "labels": {"background": 0, "prostate": 1}, "numTraining": \(cases),
                 "file_ending": ".nii.gz", "patient_id": "P-77", "history": [{"dob": "1950", "site": "x"}]}
                """.utf8
            ).write(to: dataset.appending(path: "dataset.json"))
            for number in 0..<cases {
                try Data().write(to: dataset.appending(path: "imagesTr/c\(number)_0000.nii.gz"))
                try Data().write(to: dataset.appending(path: "labelsTr/c\(number).nii.gz"))
            }
            try body(folders, scratch)
        }
    }

    @Test func amountsAreHeldAgainstTheSitesOwnData() throws {
        try withDataset(60) { folders, scratch in
            func refusal(_ rules: String, _ privacy: String) throws -> String {
                let run = try run(privacy, "training: {rounds: 10, iterations_per_epoch: 10}\n")
                let site = try StudySite(
                    RunFile.Site(dataset: "301"), of: run, folders: folders, device: "cpu", threads: 1)
                do {
                    let participation = try SiteParticipation(
                        site, in: run, called: "test", rules: SiteRules(yaml: rules),
                        ledgers: scratch.appending(path: "ledgers"))
                    // 48 of 60 train.
                    #expect(participation.site.records != nil && participation.site.statedExamples == 1)
                    return participation.costText ?? ""
                } catch FederationError.policy(let fact) { return "refused: " + fact }
            }
            let releases = "plain_releases: [fingerprint]"
            let strict = "privacy: {required: {unit: record, most_epsilon: 3, delta: 1e-5}, \(releases)}"
            let tooMuch = try refusal(strict, Self.record)
            #expect(tooMuch.hasPrefix("refused: a run may cost at most ε 3"))
            let little = try refusal(strict, Self.record.replacing("epsilon: 8", with: "epsilon: 3"))
            #expect(little.contains("privacy of each record: ε"))
            let noisy = "privacy: {required: {unit: record, least_noise_multiplier: 50}, \(releases)}"
            let tooQuiet = try refusal(noisy, Self.record)
            #expect(tooQuiet.hasPrefix("refused: a run's noise must be at least 50 times"))
            let loud = try refusal(noisy, Self.record.replacing("epsilon: 8", with: "noise_multiplier: 50"))
            #expect(loud.contains("σ 50"))
            #expect(throws: PrivacyError.self) {
                _ = try refusal("{}", Self.record.replacing("expected_batch: 4", with: "expected_batch: 49"))
            }
            // A δ that gives one of 48 away.
            #expect(throws: PrivacyError.self) { _ = try refusal("{}", Self.record.replacing("1e-5", with: "0.03")) }
        }
    }

    @Test func patientsAreRecordsWhereATableSaysSo() throws {
        try withDataset(10) { folders, _ in
            let run = try run(Self.record.replacing("expected_batch: 4", with: "expected_batch: 1"))
            let site = try StudySite(
                RunFile.Site(dataset: "301"), of: run, folders: folders, device: "cpu", threads: 1)
            #expect(try site.trainingCases.count == 8)
            #expect(throws: NNUNetError.self) { _ = try site.recordOfCase(column: "patient") }
            let table = folders.raw.appending(path: "Dataset301_Prostate/patients.csv")
            let rows = (0..<10).map { "c\($0),P\($0 / 2),1950\n" }.joined()
            try Data(("case,Patient,dob\n" + rows).utf8).write(to: table)
            let found = try site.recordOfCase(column: "patient")
            #expect(found.count == 8 && found["c3"] ?? "P1" == "P1" && !found.values.contains("1950"))
            #expect(throws: NNUNetError.self) { _ = try site.recordOfCase(column: "mrn") }
            // A case without a patient is nobody's guess.
            try Data("case,patient\nc0,P0\n".utf8).write(to: table)
            #expect(throws: NNUNetError.self) { _ = try site.recordOfCase(column: "patient") }
        }
    }

    @Test func blockedFieldsAreNotRead() throws {
        try withDataset(5) { folders, _ in
            let folder = folders.raw.appending(path: "Dataset301_Prostate")
            let whole = try RawDataset(folder: folder).description.json
            #expect(whole["patient_id"] != nil)
            let blocked = BlockedFields(["Patient_ID", "dob", "prostate"])
            let kept = try RawDataset(folder: folder, without: blocked).description
            #expect(
                kept.json["patient_id"] == nil && !"\(kept.json)".contains("1950") && "\(kept.json)".contains("site"))
            // A label is no field of a patient.
            #expect(kept.labels.map(\.name) == ["background", "prostate"])
            // What the dataset cannot do without is refused, not guessed.
            #expect(throws: NNUNetError.self) {
                _ = try RawDataset(folder: folder, without: BlockedFields(["file_ending"]))
            }
        }
    }

    actor Told: Learner {
        func answer(_ question: Data) -> Data { Data() }
        func describe() -> SiteDescription { SiteDescription(name: "", examples: 7) }
        func initialWeights() -> Weights { Weights() }
        func train(_ task: TrainTask) -> ModelUpdate {
            ModelUpdate(.difference, Weights(), examples: 7, steps: 3, metrics: ["loss": 1])
        }
        func validate(_ task: ValidationTask) -> ValidationResult {
            ValidationResult(examples: 2, metrics: ["dice": 1])
        }
        func model() -> Weights { Weights() }
        func finish(_ model: Weights) {}
    }

    @Test func aRunWithoutNoiseIsBookedAsWhatItIs() async throws {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "cohort-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        var site: StudySite?
        try withDataset(10) { folders, _ in
            site = try StudySite(
                RunFile.Site(dataset: "301"), of: run(), folders: folders, device: "cpu", threads: 1)
        }
        let rules = try SiteRules(
            yaml: """
                fewest_cases: 5
                required_filters: [{block: weights}]
                privacy: {plain_releases: [fingerprint, counts, metrics, model]}
                """)
        let participation = try SiteParticipation(
            #require(site), in: run(), called: "plain", rules: rules, ledgers: scratch)
        #expect(participation.costText == nil && participation.site.records == nil)
        let participant = try participation.participant(called: "a", learner: Told(), filters: [])
        guard
            case .update(let update) = try await participant.perform(
                .train(TrainTask(round: 1, rounds: 1, model: Weights())))
        else { return }
        #expect(update.examples == 7 && update.metrics == ["loss": 1])
        let ledger = try PrivacyLedger(folder: scratch.appending(path: "Dataset301_Prostate"))
        let text = "\(try await ledger.summary(delta: 1e-5))"
        for line in ["plain: model, 1 times", "plain: metrics, 1 times", "plain: counts, 1 times"] {
            #expect(text.contains(line), "\(text)")
        }
    }
}
