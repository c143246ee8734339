import Federation
import Foundation
import NNUNet
import Study
import Testing

/// Every key with a value that is not its default.
let wholeRunFile = """
    name: hippocampus-2
    task: train
    sites:
      - name: hospital_a
        dataset: Dataset301_A
        fold: 3
        modality: MR
        threads: 2
        gpu: 0
        target_spacing: [4, 4, 4.5]
        minimum_cases: 5
      - name: hospital_b
        dataset: 302
        fold: all-cases
        modality: CT
      - {name: "no", dataset: 303, modality: CT}
    plan:
      configuration: 2d
      fingerprint: weighted-average
      planner: nnUNetPlannerResEncM
      gpu_memory_target: 11.5
      target_spacing: [1, 1, 1]
      plans_name: ourPlans
    training:
      rounds: 20
      local_epochs: 2
      iterations_per_epoch: 100
      validation_iterations_per_epoch: 10
      warm_up_rounds: 1
      batch_size: 9
      initial_learning_rate: 1e-3
      weight_decay: 0
      oversample_foreground: 0.5
      precision: bf16
      trainer: nnUNetTrainerNoMirroring
      seed: 18446744073709551615
    strategy:
      aggregation: mean
      weights: {hospital_a: 2, hospital_b: 1, no: 0.5}
      modality_weights: {CT: 0.6, MR: 0.4}
      model_of_each_modality: true
      update: difference
      server_optimizer: {fedadam: {learning_rate: 0.05}}
      proximal_term: 0.01
      minimum_sites: 2
      deadline: 90 min
      select: {count: 2}
      filters: [half-precision]
    sharing:
      mode: all-but-normalisation
      keep_local: ["*.transpconvs.*"]
      average_within_kind: false
    validation: {every: 5, select: [hospital_a, "no"], metric: loss, direction: lower, cross_site: true}
    labels: union
    baselines: [centralised, alone]
    output: results/here
    save_every: 10
    device: cuda:1
    """

@Suite struct RunFileTests {
    @Test func everyKeyIsRead() throws {
        let file = try RunFile(yaml: wholeRunFile)
        #expect(file.name == "hippocampus-2")
        #expect(file.sites.map(\.name) == ["hospital_a", "hospital_b", "no"])
        #expect(file.sites.map(\.dataset) == ["Dataset301_A", "302", "303"])
        #expect(file.sites.map(\.fold) == [.number(3), .all, .number(0)])
        #expect(file.sites[0].targetSpacing == [4, 4, 4.5])
        #expect(file.sites[0].minimumCases == 5 && file.sites[0].threads == 2 && file.sites[0].gpu == 0)
        #expect(file.plan.planner == .residualEncoderM && file.plan.fingerprint.rule == .weightedAverage)
        #expect(file.plan.gpuMemoryTarget == 11.5 && file.plan.plansName == "ourPlans")
        #expect(file.training.initialLearningRate == 1e-3 && file.training.weightDecay == 0)
        #expect(file.training.precision == .bf16 && file.training.seed == .max)
        #expect(file.strategy.weighting.rule == .given(["hospital_a": 2, "hospital_b": 1, "no": 0.5]))
        #expect(file.strategy.serverOptimizer == .adam(learningRate: 0.05))
        #expect(file.strategy.deadline == .seconds(5400))
        #expect(
            file.sharing == Sharing(.allButNormalisation, localPatterns: ["*.transpconvs.*"], averagesWithinKind: false)
        )
        #expect(file.validation.select == .named(["hospital_a", "no"]))
        #expect(file.validation.judgement == ModelJudgement(metric: "loss", .lower))
        #expect(file.labels == .union && file.baselines == [.centralised, .alone])
        #expect(file.outputFolder == "results/here" && file.saveEvery == 10 && file.device.name == "cuda:1")
    }

    @Test func theWholeIsWrittenAndReadAgain() throws {
        let file = try RunFile(yaml: wholeRunFile)
        #expect(try RunFile(yaml: file.yaml()) == file)
        #expect(try RunFile(yaml: file.yaml()).yaml() == file.yaml())
    }

    @Test func sitesAreAllThatIsNeeded() throws {
        let file = try RunFile(yaml: "sites: [{dataset: 4}]", file: "studies/prostate.yaml")
        #expect(file.name == "prostate" && file.outputFolder == "runs/prostate")
        #expect(file.sites == [RunFile.Site(dataset: "4")] && file.sites[0].name == "4")
        #expect(file.device.name == nil && file.plan.resolvedPlansName == "nnUNetPlans")
        #expect(file == RunFile(name: "prostate", sites: [RunFile.Site(dataset: "4")]))
        let written = try file.yaml()
        #expect(try RunFile(yaml: written) == file.resolved)
        for key in ["rounds: 50", "planner: ExperimentPlanner", "output: runs/prostate", "plans_name: nnUNetPlans"] {
            #expect(written.contains(key))
        }
    }

    /// The forms that only one of several alternatives has.
    @Test(arguments: [
        ("strategy: {aggregation: {krum: {faulty: 1, chosen: 3}}}", "aggregation: {krum: {faulty: 1, chosen: 3}}"),
        ("strategy: {aggregation: krum}", "aggregation: {krum: {faulty: 1, chosen: 1}}"),
        ("strategy: {aggregation: {trimmed-mean: 0.2}}", "aggregation: {trimmed_mean: 0.2}"),
        ("strategy: {aggregation: {median: }}", "aggregation: median"),
        (
            "strategy: {server_optimizer: fedyogi}",
            "{fedyogi: {learning_rate: 0.01, beta1: 0.9, beta2: 0.99, tau: 0.001}}"
        ),
        ("strategy: {server_optimizer: fedadagrad}", "{fedadagrad: {learning_rate: 0.1, beta1: 0, tau: 0.001}}"),
        ("strategy: {server_optimizer: {fedavgm: {momentum: 0.5}}}", "{fedavgm: {learning_rate: 1, momentum: 0.5}}"),
        (
            "strategy: {server_optimizer: fedadam}",
            "{fedadam: {learning_rate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.001}}"
        ),
        ("strategy: {select: {fraction: 0.5}}", "select: {fraction: 0.5}"),
        ("strategy: {select: [s1, s5]}", "select: [s1, s5]"),
        ("strategy: {weights: steps}", "weights: steps"),
        ("strategy: {deadline: 90}", "deadline: 90 s"), ("strategy: {deadline: 120s}", "deadline: 2 min"),
        ("strategy: {deadline: 1.5 h}", "deadline: 90 min"), ("strategy: {deadline: 7200}", "deadline: 2 h"),
        ("strategy: {deadline: 0.25 s}", "deadline: 0.25 s"), ("strategy: {deadline: }", "deadline: null"),
        ("task: plan-and-preprocess", "task: plan_and_preprocess"), ("sharing: {mode: backbone}", "mode: backbone"),
        ("plan: {fingerprint: none}", "fingerprint: none"), ("plan:", "configuration: 3d_fullres"),
        ("name: \"no\"", "name: 'no'"), ("name: no", "name: 'no'"), ("name: 'a: b # c'", "name: 'a: b # c'"),
        ("name: Müller", "name: Müller"), ("name: \"null\"", "name: 'null'"), ("device: cuda", "device: cuda"),
        ("validation: {cross_site: yes}", "cross_site: true"), ("training: {rounds: \"7\"}", "rounds: 7"),
        ("labels: as_is", "labels: as-is"),
    ])
    func formsAreWrittenAndReadAgain(written: String, canonical: String) throws {
        let sites = "\nsites: [" + (1...5).map { "{name: s\($0), dataset: \($0)}" }.joined(separator: ", ") + "]"
        let file = try RunFile(yaml: written + sites)
        let text = try file.yaml()
        #expect(text.contains(canonical + "\n"), "\(text)")
        #expect(try RunFile(yaml: text) == file.resolved)
    }

    @Test(arguments: [
        ("{dataset: 4, sites: 4, by: equal}", RunFile.Split.Rule.equal, DatasetSplit.HeldOut.count(0)),
        ("{dataset: 4, sites: 4, by: {dirichlet: 0.5}, test: 60}", .dirichlet(alpha: 0.5), .count(60)),
        ("{dataset: 4, by: {column: sites.csv}, test: 20%}", .column("sites.csv"), .share(0.2)),
    ])
    func splits(written: String, rule: RunFile.Split.Rule, test: DatasetSplit.HeldOut) throws {
        let file = try RunFile(yaml: "split: \(written)")
        #expect(file.split?.rule == rule && file.split?.test == test && file.split?.firstID == 301)
        #expect(try RunFile(yaml: file.yaml()) == file.resolved)
        #expect(file.siteNames == (rule == .column("sites.csv") ? nil : ["site1", "site2", "site3", "site4"]))
    }

    @Test func aliasesAndMerges() throws {
        let file = try RunFile(
            yaml: """
                sites:
                  - &first {name: a, dataset: 1, threads: 2, target_spacing: &spacing [1, 2, 3]}
                  - {<<: *first, name: b, dataset: 2}
                plan: {target_spacing: *spacing}
                """)
        #expect(file.sites[1].threads == 2 && file.sites[1].dataset == "2" && file.sites[1].targetSpacing == [1, 2, 3])
        #expect(file.plan.targetSpacing == [1, 2, 3])
    }

    // MARK: For the coordinator

    @Test func theStrategyIsTheFile() throws {
        let file = try RunFile(yaml: wholeRunFile)
        let strategy = try file.makeStrategy()
        #expect(strategy.selection == .count(2) && strategy.minimumSites == 2 && strategy.deadline == .seconds(5400))
        #expect(strategy.sharing == file.sharing && strategy.weighting.groups == ["CT": 0.6, "MR": 0.4])
        #expect(strategy.content == .difference && strategy.aggregator is WeightedMean)
        #expect(strategy.serverOptimizer == .adam(learningRate: 0.05) && strategy.proximalTerm == 0.01)
        #expect(strategy.filters.map(\.name) == ["half-precision"] && strategy.validationInterval == 5)
        #expect(strategy.validators == .named(["hospital_a", "no"]) && strategy.judgement.direction == .lower)
        #expect(strategy.keepsModelOfEachModality)
        #expect(RunFile.Aggregation.krum(faulty: 1, chosen: 2).aggregator as? Krum == Krum(faulty: 1, chosen: 2))
        #expect(RunFile.Aggregation.median.aggregator as? RobustMean == .coordinateMedian)
        #expect(RunFile.Aggregation.trimmedMean(share: 0.3).aggregator as? RobustMean == .trimmed(share: 0.3))
    }

    @Test func thePreparationIsTheFile() throws {
        let order = try RunFile(yaml: wholeRunFile).preparationOrder
        #expect(
            order.planning
                == PlanningOrder(
                    planner: "nnUNetPlannerResEncM", plansName: "ourPlans", memoryTarget: 11.5,
                    targetSpacing: [1, 1, 1], configuration: "2d"))
        #expect(order.fingerprint == .weightedAverage && order.targetSpacings == ["hospital_a": [4, 4, 4.5]])
        #expect(!order.stopsAfterFingerprint)
        #expect(
            try RunFile(yaml: "{sites: [{dataset: 1}], task: extract-fingerprint}").preparationOrder
                .stopsAfterFingerprint)
        let untouched = RunFile(name: "a", sites: [RunFile.Site(dataset: "1")])
        #expect(untouched.preparationOrder == NNUNetPreparation.Order() && untouched.labels.rule == nil)
        let split = RunFile.Split(dataset: "1", sites: 3, by: .dirichlet(alpha: 0.5))
        #expect(try split.makeRule() == .dirichlet(sites: 3, alpha: 0.5))
    }

    /// The defaults of an untouched file are those of Federation's own parts.
    @Test func defaultsAreFederations() throws {
        let file = RunFile(name: "a", sites: [RunFile.Site(dataset: "1")])
        let (ours, theirs) = (try file.makeStrategy(), Federation.Strategy())
        #expect(ours.selection == theirs.selection && ours.minimumSites == theirs.minimumSites)
        #expect(ours.deadline == theirs.deadline && ours.sharing == theirs.sharing)
        #expect(ours.weighting == theirs.weighting && ours.content == theirs.content)
        #expect(ours.serverOptimizer == theirs.serverOptimizer && ours.proximalTerm == theirs.proximalTerm)
        #expect(ours.validationInterval == theirs.validationInterval && ours.validators == theirs.validators)
        #expect(ours.judgement == theirs.judgement)
        func optimizer(_ name: String) throws -> ServerOptimizer {
            try RunFile(yaml: "{sites: [{dataset: 1}], strategy: {server_optimizer: \(name)}}").strategy.serverOptimizer
        }
        #expect(try optimizer("fedavgm") == .momentum())
        #expect(try optimizer("fedadam") == .adam())
        #expect(try optimizer("fedyogi") == .yogi())
        #expect(try optimizer("fedadagrad") == .adagrad())
    }

    @Test func settingsTellWhatMustStayTheSame() throws {
        let settings = try RunFile(yaml: wholeRunFile).runSettings
        #expect(settings.rounds == 20 && settings.localEpochs == 2 && settings.warmUpRounds == 1)
        #expect(settings.seed == .max)
        func identity(_ path: String, _ value: String) throws -> String {
            var file = try RunFile(yaml: wholeRunFile)
            try file.set(path, value)
            return file.runSettings.identity
        }
        for (path, value) in [
            ("output", "elsewhere"), ("device", "cpu"), ("sites.0.threads", "8"), ("save-every", "1"),
        ] {
            #expect(try identity(path, value) == settings.identity)
        }
        for (path, value) in [("sites.1.dataset", "9"), ("sharing.mode", "backbone"), ("training.batch_size", "2")] {
            #expect(try identity(path, value) != settings.identity)
        }
    }
}
