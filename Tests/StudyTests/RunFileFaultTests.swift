import Foundation
import Study
import Testing

@Suite struct RunFileFaultTests {
    private func faults(_ yaml: String, _ overrides: [RunFile.Override] = []) -> [String] {
        do {
            _ = try RunFile(yaml: yaml, file: "run.yaml", overrides: overrides)
            return []
        } catch {
            return "\(error)".split(separator: "\n").map(String.init)
        }
    }

    private static let sites = "sites: [{name: a, dataset: 1}, {name: b, dataset: 2}, {name: c, dataset: 3}]\n"

    /// One fault each, after a first line with three sites.
    @Test(arguments: [
        // Misspelt keys at every level.
        ("trainning: {rounds: 1}", "2:1: trainning is unknown; did you mean training?"),
        ("strategy:\n  agregation: mean", "3:3: strategy.agregation is unknown; did you mean aggregation?"),
        ("strategy:\n  min_sites: 2", "3:3: strategy.min_sites is unknown; did you mean minimum_sites?"),
        (
            "strategy:\n  server_optimizer: {fedadam: {learning_rat: 1}}",
            "3:32: strategy.server_optimizer.fedadam.learning_rat is unknown; did you mean learning_rate?"
        ),
        (
            "strategy: {aggregation: {krum: {faultly: 1}}}",
            "2:33: strategy.aggregation.krum.faultly is unknown; did you mean faulty?"
        ),
        ("strategy: {aggregation: {krumm: 1}}", "2:26: strategy.aggregation.krumm is unknown; did you mean krum?"),
        ("validation: {evry: 1}", "2:14: validation.evry is unknown; did you mean every?"),
        ("sharing:\n  keep-locl: []", "3:3: sharing.keep-locl is unknown; did you mean keep_local?"),
        ("rounds: 5", "2:1: rounds is unknown; did you mean training.rounds?"),
        (
            "plan: {xyz: 5}",
            "2:8: plan.xyz is unknown; known here are configuration, fingerprint, planner, gpu_memory_target, target_spacing, plans_name."
        ),
        // Wrong types and words.
        ("training: {rounds: ten}", "2:20: training.rounds is \"ten\"; write a whole number, such as 2."),
        ("training: {rounds: }", "2:20: training.rounds is empty; write a whole number, such as 2."),
        ("training: {rounds: [1]}", "2:20: training.rounds is a list; write a whole number, such as 2."),
        ("training: {rounds: 1.5}", "2:20: training.rounds is \"1.5\"; write a whole number, such as 2."),
        (
            "training: 5",
            "2:11: training is \"5\"; write a mapping of rounds, local_epochs, iterations_per_epoch, validation_iterations_per_epoch, warm_up_rounds, batch_size, initial_learning_rate, weight_decay, oversample_foreground, precision, trainer, seed."
        ),
        (
            "training: {initial_learning_rate: .nan}",
            "2:35: training.initial_learning_rate is \".nan\"; write a number, such as 0.5."
        ),
        ("training: {precision: fp8}", "2:23: training.precision is \"fp8\"; write one of fp32, bf16, fp16."),
        ("training: {seed: -1}", "2:18: training.seed is \"-1\"; write a whole number from 0 on, such as 1."),
        ("name: {a: 1}", "2:7: name is a mapping; write a text, such as hospital_a."),
        ("task: trane", "2:7: task is \"trane\"; write one of extract_fingerprint, plan_and_preprocess, train."),
        ("device: mps", "2:9: device is \"mps\"; write one of auto, cpu, cuda, cuda:0."),
        (
            "strategy: {deadline: 5 days}",
            "2:22: strategy.deadline is \"5 days\"; write a time, such as 90 s, 30 min or 2 h."
        ),
        ("strategy: {aggregation: meen}", "2:25: strategy.aggregation is \"meen\"; did you mean mean?"),
        (
            "strategy: {aggregation: 5}",
            "2:25: strategy.aggregation is \"5\"; write mean, median, {trimmed_mean: 0.2} or {krum: {faulty: 1, chosen: 1}}."
        ),
        (
            "strategy: {aggregation: trimmed_mean}",
            "2:25: strategy.aggregation is trimmed_mean and does not say which; write {trimmed_mean: 0.2}."
        ),
        (
            "strategy: {server_optimizer: {fedadam: {}, fedyogi: {}}}",
            "2:30: strategy.server_optimizer names fedadam and fedyogi; keep one."
        ),
        ("strategy: {weights: {a: 1, b: x, c: 1}}", "2:31: strategy.weights.b is \"x\"; write a number, such as 0.5."),
        (
            "strategy: {modality_weights: [1]}",
            "2:30: strategy.modality_weights is a list; write a weight for each modality, such as {CT: 0.6, MR: 0.4}."
        ),
        (
            "plan: {target_spacing: 1}",
            "2:24: plan.target_spacing is \"1\"; write three numbers above 0 (z y x), such as [1, 1, 1]."
        ),
        (
            "baselines: [alone, centralized]",
            "2:20: baselines.1 is \"centralized\"; write a list such as [centralised, centralised-all-steps, alone]."
        ),
        // Out of range.
        ("training: {rounds: 0}", "2:12: training.rounds is 0; write 1 or more."),
        ("training: {local_epochs: 0}", "2:12: training.local_epochs is 0; write 1 or more."),
        ("training: {warm-up-rounds: -1}", "2:12: training.warm_up_rounds is -1; write 0 or more."),
        ("training: {batch_size: 0}", "2:12: training.batch_size is 0; write 1 or more."),
        ("training: {oversample_foreground: 2}", "2:12: training.oversample_foreground is 2; write 0 to 1."),
        (
            "plan: {target_spacing: [1, 0, 1]}",
            "2:8: plan.target_spacing is [1, 0, 1]; write three numbers above 0 (z y x), such as [1, 1, 1]."
        ),
        ("strategy: {deadline: 0}", "2:12: strategy.deadline is 0 s; write a time above 0, such as 30 min."),
        ("strategy: {proximal_term: -1}", "2:12: strategy.proximal_term is -1; write 0 or more."),
        (
            "strategy: {select: {fraction: 1.5}}",
            "2:31: strategy.select.fraction is 1.5; write a number above 0, up to 1."
        ),
        (
            "strategy: {aggregation: {trimmed_mean: 0.5}}",
            "2:40: strategy.aggregation.trimmed_mean is 0.5; write a number above 0 and below 0.5."
        ),
        (
            "strategy: {server_optimizer: {fedavgm: {momentum: 1}}}",
            "2:41: strategy.server_optimizer.fedavgm.momentum is 1; write a number from 0 to below 1."
        ),
        (
            "strategy: {modality_weights: {CT: -1, MR: 2}}",
            "2:12: strategy.modality_weights is {CT: -1, MR: 2}; write weights of 0 or more, at least one of them above 0."
        ),
        ("save_every: 0", "2:1: save_every is 0; write 1 or more."),
        ("output: ''", "2:1: output is empty; write a text that is not empty."),
        // What does not go together.
        ("strategy: {minimum_sites: 4}", "2:12: strategy.minimum_sites is 4, and there are 3 sites; write 3 or less."),
        (
            "strategy: {minimum_sites: 3, select: {count: 2}}",
            "2:12: strategy.minimum_sites is 3, and strategy.select takes 2 in a round; write 2 or less."
        ),
        ("strategy: {select: {count: 4}}", "2:28: strategy.select.count is 4, and there are 3 sites; write 3 or less."),
        (
            "strategy: {select: [a, d_]}",
            "2:24: strategy.select.1 is d_, and no site is called so; the sites are a, b, c."
        ),
        ("validation: {select: [a, a]}", "2:14: validation.select names a site twice; keep one."),
        ("validation: {overlays: -1}", "2:14: validation.overlays is -1; write 0 to 50."),
        ("validation: {select: []}", "2:14: validation.select names no site; write all, or at least one name."),
        ("strategy: {weights: {a: 1, c: 1}}", "2:12: strategy.weights has no weight for b; give one for every site."),
        (
            "strategy: {weights: {a: 1, b: 1, c: 1, zzz: 1}}",
            "2:40: strategy.weights.zzz is for zzz, and no site is called so; the sites are a, b, c."
        ),
        (
            "strategy: {weights: {a: 0, b: 0, c: 0}}",
            "2:12: strategy.weights is {a: 0, b: 0, c: 0}; write weights of 0 or more, at least one of them above 0."
        ),
        (
            "strategy: {aggregation: krum}",
            "2:12: strategy.aggregation.krum.faulty is 1, which needs 5 sites in a round, and there are 3; write 0 or less."
        ),
        (
            "strategy: {aggregation: {trimmed_mean: 0.2}}",
            "2:40: strategy.aggregation.trimmed_mean is 0.2, which leaves out none of 3 sites; write 0.334 or more."
        ),
        (
            "strategy: {aggregation: median, modality_weights: {CT: 1}}",
            "2:33: strategy.modality_weights has no effect: median counts sites alike; leave it out."
        ),
        (
            "device: cpu\ntraining: {precision: fp16}",
            "3:12: training.precision is fp16, which needs a GPU; write fp32 or bf16, or device: cuda."
        ),
        ("split: {dataset: 4, sites: 2}", "2:1: split does not go with sites; keep one of the two."),
        ("baselines: [alone, alone]", "2:1: baselines names one of them twice; keep one."),
        // YAML itself.
        ("training: {rounds: 5}\ntraining: {rounds: 6}", "3:1: training is written already in line 2; keep one."),
        (
            "training:\n  rounds: 5\n  seed: 1\n  rounds: 6\n  rounds: 7",
            "6:3: training.rounds is written already in line 3 and 5; keep one."
        ),
        ("training: {rounds: 5, \"rounds\": 6}", "2:23: training.rounds is written already in line 2; keep one."),
        ("training: {local-epochs: 5, local_epochs: 6}", "2:29: training.local_epochs is written already; keep one."),
        ("training: {<<: 5}", "2:12: training.<< is no mapping; write an alias of a mapping, such as <<: *site."),
    ])
    func faultsSayWhereWhatAndHow(yaml: String, expected: String) {
        #expect(faults(Self.sites + yaml) == ["run.yaml:" + expected])
    }

    @Test(arguments: [
        ("", "run.yaml: sites is missing; list the sites, or divide one dataset with split."),
        ("name: a", "run.yaml: sites is missing; list the sites, or divide one dataset with split."),
        ("sites:\n  - name: a", "run.yaml:2:5: sites.0.dataset is missing; write dataset: 4."),
        ("sites:\n  - dataset: 4\n    folds: 1", "run.yaml:3:5: sites.0.folds is unknown; did you mean fold?"),
        (
            "sites:\n  - dataset: 4\n    modality: xyz",
            "run.yaml:3:15: sites.0.modality is \"xyz\"; write one of CT, MR, PET, NM, US, XR, MG, OCT, PHOTO, ENDOSCOPY, MICROSCOPY, or several with + between."
        ),
        ("sites:\n  - dataset: 4\n    fold: 5", "run.yaml:3:5: sites.0.fold is 5; write 0 to 4, or all-cases."),
        (
            "sites:\n  - dataset: 4\n    fold: all",
            "run.yaml:3:11: sites.0.fold is \"all\"; write 0 to 4, or all-cases to train on all of them."
        ),
        (
            "sites:\n  - dataset: 4\n    target_spacing: [1, 1]",
            "run.yaml:3:5: sites.0.target_spacing is [1, 1]; write three numbers above 0 (z y x), such as [1, 1, 1]."
        ),
        (
            "sites:\n  - dataset: [4]",
            "run.yaml:2:14: sites.0.dataset is a list; write a dataset's number or name, such as 4 or Dataset004_Hippocampus."
        ),
        (
            "sites: 4",
            "run.yaml:1:8: sites is \"4\"; write a list of sites, each with its dataset, such as [{dataset: 301}]."
        ),
        ("sites:\n  - dataset: 4\n    name: a/b", "run.yaml:3:5: sites.0.name is a/b; write a name without /."),
        (
            "sites:\n  - dataset: 4\n  - dataset: 5\n    name: 4",
            "run.yaml:4:5: sites.1.name is 4, as of sites.0 in line 2; give one of them another name."
        ),
        (
            "device: cpu\nsites: [{dataset: 4, gpu: 0}]",
            "run.yaml:2:22: sites.0.gpu is 0, and device is cpu; leave it out, or write device: cuda."
        ),
        (
            "strategy: {modality_weights: {CT: 1}}\nsites: [{dataset: 4, modality: MR}]",
            "run.yaml:1:12: strategy.modality_weights has no weight for MR, which 4 has; give one, as in {MR: 0.5}."
        ),
        ("split: {sites: 4}", "run.yaml:1:8: split.dataset is missing; write dataset: 4."),
        ("split: {dataset: 4}", "run.yaml:1:1: split.sites is missing; write how many, such as 4."),
        ("split: {dataset: 4, sites: 0}", "run.yaml:1:21: split.sites is 0; write 1 or more."),
        (
            "split: {dataset: 4, sites: 4, test: 120%}",
            "run.yaml:1:31: split.test is 1.2; write a number of cases, or a share such as 20% or 0.2."
        ),
        (
            "split: {dataset: 4, sites: 4, by: {dirichlet: 0}}",
            "run.yaml:1:47: split.by.dirichlet is 0; write 0.001 (very unequal) to 1000000 (equal)."
        ),
        (
            "split: {dataset: 4, sites: 4, by: {column: a.csv}}",
            "run.yaml:1:21: split.sites does not go with column; leave it out: the table names the sites."
        ),
        (
            "split: {dataset: 4, sites: 2}\nstrategy: {select: [site1, sit2]}",
            "run.yaml:2:28: strategy.select.1 is sit2, and no site is called so; did you mean site2?"
        ),
        (
            "sites: [{dataset: 4}",
            "run.yaml:2:1: This is not YAML: while parsing a flow sequence from line 1 on, did not find expected ',' or ']'; look at this line and the one before it."
        ),
        (
            "sites:\n\t- 4",
            "run.yaml:2:1: This is not YAML: while scanning for the next token from line 2 on, found character that cannot start any token; indent with spaces, not with tabs."
        ),
        (
            "sites: *nobody",
            "run.yaml:1:8: This is not YAML: found undefined alias; look at this line and the one before it."
        ),
    ])
    func faultsOfSites(yaml: String, expected: String) {
        #expect(faults(yaml) == [expected])
    }

    @Test func allFaultsAreListedAtOnce() {
        let yaml = """
            nam: study
            sites:
              - name: a
                dataset: 1
                fold: 7
              - name: b
                dataset: 2
                thread: 3
            training:
              rounds: many
              rounds: few
              local_epochs: 0
            strategy:
              agregation: median
              select: [a, c]
              deadline: soon
            """
        #expect(
            faults(yaml, [RunFile.Override("sharing.mod", "backbone"), RunFile.Override("plan.planner", "nobody")]) == [
                "run.yaml:1:1: nam is unknown; did you mean name?",
                "run.yaml:5:5: sites.0.fold is 7; write 0 to 4, or all-cases.",
                "run.yaml:8:5: sites.1.thread is unknown; did you mean threads?",
                "run.yaml:11:3: training.rounds is written already in line 10; keep one.",
                "run.yaml:11:11: training.rounds is \"few\"; write a whole number, such as 2.",
                "run.yaml:12:3: training.local_epochs is 0; write 1 or more.",
                "run.yaml:14:3: strategy.agregation is unknown; did you mean aggregation?",
                "run.yaml:16:13: strategy.deadline is \"soon\"; write a time, such as 90 s, 30 min or 2 h.",
                "override: sharing.mod is unknown; did you mean mode?",
                "override: plan.planner is \"nobody\"; write one of ExperimentPlanner, ResEncUNetPlanner, nnUNetPlannerResEncM, nnUNetPlannerResEncL, nnUNetPlannerResEncXL.",
            ])
    }

    /// Few lines that stand for very many values.
    @Test func aliasesOfAliasesEnd() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            yaml +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                + "]\n"
        }
        #expect(faults(yaml).contains { $0.contains("makes the file too large; use fewer aliases.") })
    }

    @Test func filesThatCannotBeRead() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "run-file-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "study.yaml")
        #expect(throws: RunFileError.self) { try RunFile(contentsOf: file) }
        try Data([0x6e, 0xff, 0xfe]).write(to: file)
        #expect(throws: RunFileError.self) { try RunFile(contentsOf: file) }
        try Data("sites: [{dataset: 4}]".utf8).write(to: file)
        #expect(try RunFile(contentsOf: file).name == "study")
    }

    @Test func valuesMadeInCodeAreCheckedToo() throws {
        var file = RunFile(name: "a", sites: [RunFile.Site(dataset: "1"), RunFile.Site(dataset: "1")])
        file.training.rounds = 0
        let error = #expect(throws: RunFileError.self) { try file.check() }
        #expect(error?.faults.map(\.path) == ["training.rounds", "sites.1.name"])
        file.training.rounds = 1
        file.sites[1].name = "other"
        try file.check()
    }
}
