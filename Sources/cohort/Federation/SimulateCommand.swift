import ArgumentParser
import NNUNet
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Train one model from several datasets as a federation on this machine.",
        discussion: """
            Takes a run file, or a task with the sites' datasets, a configuration and a fold as FednnU-Net does. Every value \
            of a run file can be set by --set PATH=VALUE, the frequent ones by options of their own. A run that was \
            interrupted goes on when the same command is given again.

            EXAMPLES
              cohort simulate run.yaml --rounds 100
              cohort simulate train "301 302 303" 3d_fullres 0 --rounds 50 --baselines centralised alone
              cohort simulate train 4 3d_fullres 0 --split 4 --test 40 --rounds 20
              cohort simulate plan_and_preprocess "301 302 303" 3d_fullres
            """)

    @Argument(help: "A run file, or a task: extract_fingerprint, plan_and_preprocess, train.") var runFileOrTask: String
    @Argument(help: "The sites' datasets, numbers or names, in one word: \"301 302 303\".") var datasets: String?
    @Argument(help: "2d, 3d_fullres, …") var configuration: String?
    @Argument(help: "A number; all runs the five folds one after the other.") var fold: String?

    @Option(name: .customLong("fold"), help: "A number, or all-cases: train on all cases, as nnU-Net's all.")
    var foldOption: String?
    @Option(
        name: .customLong("client-datasets"),
        help: "The sites' datasets as the Flower app takes them: '{\"0\": \"Dataset005_Prostate\"}'.")
    var clientDatasets: String?
    @Option(help: "Split one dataset among so many sites.") var split: Int?
    @Option(help: "Split by a Dirichlet distribution: 0.1 is very unequal, 100 nearly equal.") var skew: Double?
    @Option(help: "Split by the columns case and site of this table.") var column: String?
    @Option(help: "Cases of the split that nobody trains on: 20, 20% or 0.2.") var test: String?
    @Option(help: "What every site allows, as its own site-policy.yaml would say it.") var policy: String?
    @OptionGroup var values: RunValues

    func run() async throws {
        let rules = try policy.map { try SiteRules(contentsOf: URL(filePath: $0)) } ?? SiteRules()
        if rules.policy.asksForApproval { print("approval: true is for sites; in a simulation nobody is asked") }
        for run in try runs() {
            var simulation = try Simulation(
                run, folders: DatasetFolders(), tools: NNUNetEngine(),
                cores: ProcessInfo.processInfo.activeProcessorCount, rules: rules
            ) { print($0) }
            simulation.observers = [RoundBar()]
            try await simulation.start()
        }
    }

    /// One run, or one for each fold.
    private func runs() throws -> [RunFile] {
        var run = try baseRun()
        try values.apply(to: &run)
        let fold = foldOption ?? (clientDatasets == nil ? fold : configuration)
        if fold == "all" {
            return try (0..<5).map { number in
                var one = run
                try Self.set(fold: String(number), of: &one)
                one.output = run.outputFolder + "/fold_\(number)"
                return one
            }
        }
        if let fold { try Self.set(fold: fold, of: &run) }
        return [run]
    }

    private static func set(fold: String, of run: inout RunFile) throws {
        if run.sites.isEmpty { try run.set("split.fold", fold) }
        for index in run.sites.indices { try run.set("sites.\(index).fold", fold) }
    }

    private func baseRun() throws -> RunFile {
        if let task = RunFile.Task(rawValue: runFileOrTask.replacing("-", with: "_")) {
            var run = RunFile(name: task.rawValue)
            run.task = task
            let words = datasets.map { $0.split(separator: " ").map(String.init) } ?? []
            let named = try clientDatasets.map { try ClientDatasets(parsing: $0).datasets } ?? words
            guard !named.isEmpty else {
                throw ValidationError("Name the sites' datasets, such as \"301 302 303\".")
            }
            if split != nil || column != nil {
                guard named.count == 1 else { throw ValidationError("--split takes one dataset, not \(named.count).") }
                run.split = RunFile.Split(dataset: named[0])
            } else {
                run.sites = try Self.sites(named)
            }
            run.name += "_" + named.joined(separator: "_")
            // With --client-datasets there is no word for the datasets: the configuration comes in its place.
            if let configuration = clientDatasets == nil ? configuration : datasets {
                try run.set("plan.configuration", configuration)
            }
            try setSplit(of: &run)
            return run
        }
        guard datasets == nil else {
            throw ValidationError(
                "\(runFileOrTask) is no task (extract_fingerprint, plan_and_preprocess, train), and a run file takes no datasets beside it."
            )
        }
        var run = try RunFile(contentsOf: URL(filePath: runFileOrTask))
        if let clientDatasets {
            run.sites = try Self.sites(ClientDatasets(parsing: clientDatasets).datasets)
            run.split = nil
        }
        try setSplit(of: &run)
        return run
    }

    /// Sites that are called what their datasets are, such as Hippocampus, or by the whole name where two are called alike.
    private static func sites(_ datasets: [String]) throws -> [RunFile.Site] {
        let names = try datasets.map { try DatasetFolders().datasetName($0) }
        let titles = names.map { DatasetFolders.title(of: $0) }
        return zip(names, titles).map { name, title in
            RunFile.Site(name: titles.count { $0 == title } == 1 ? title : name, dataset: name)
        }
    }

    private func setSplit(of run: inout RunFile) throws {
        guard split != nil || column != nil || skew != nil || test != nil else { return }
        guard run.split != nil else {
            throw ValidationError(
                "--split, --skew, --column and --test divide one dataset; this run has sites of its own.")
        }
        if let split { try run.set("split.sites", String(split)) }
        if let skew { try run.set("split.by", "{dirichlet: \(skew)}") }
        if let column { try run.set("split.by", "{column: \(column)}") }
        if let test { try run.set("split.test", test) }
    }
}

/// Values of a run file that have options of their own.
struct RunValues: ParsableArguments {
    @Option(help: "What the run is called.") var name: String?
    @Option(help: "The folder of everything that is written (default: runs/NAME).") var output: String?
    @Option(help: "Rounds.") var rounds: String?
    @Option(help: "Epochs of each site in a round.") var localEpochs: String?
    @Option(help: "Training steps of a local epoch.") var iterationsPerEpoch: String?
    @Option(help: "Validation batches of a local epoch.") var valIterationsPerEpoch: String?
    @Option(help: "Rounds in which sites train only what they do not share.") var warmUpRounds: String?
    @Option(help: "Patches per step (default: the plan's).") var batchSize: String?
    @Option(help: "The learning rate of the first epoch.") var initialLr: String?
    @Option(help: "fp32, bf16 or fp16.") var precision: String?
    @Option(help: "Fixes weights, patches, augmentation and the choice of sites.") var seed: String?
    @Option(name: .customLong("tr", withSingleDash: true), help: "nnU-Net's trainer.") var trainer: String?
    @Option(name: .customShort("p"), help: "The plans' name.") var plansName: String?
    @Option(name: .customLong("pl", withSingleDash: true), help: "The planner.") var planner: String?
    @Option(name: .customLong("gpu_memory_target", withSingleDash: true), help: "GB to plan for.")
    var memoryTarget: String?
    @Option(
        name: .customLong("overwrite_target_spacing", withSingleDash: true), parsing: .upToNextOption,
        help: "Three numbers (z y x).") var targetSpacing: [String] = []
    @Option(help: "The common fingerprint: exact, or weighted-average as FednnU-Net.") var ffe: String?
    @Flag(help: "Every site plans for itself; equal tensors are averaged.") var asym = false
    @Option(help: "everything, backbone or all-but-normalisation.") var sharing: String?
    @Option(help: "mean, median, {trimmed_mean: 0.2} or {krum: {faulty: 1}}.") var aggregation: String?
    @Option(help: "examples, steps, uniform, or {hospital_a: 2, hospital_b: 1}.") var weights: String?
    @Option(help: "CT=0.6,MR=0.4, or JSON.") var modalityWeights: String?
    @Option(help: "weights or difference.") var update: String?
    @Option(help: "none, fedavgm, fedadam, fedyogi or fedadagrad.") var serverOptimizer: String?
    @Option(help: "μ of FedProx.") var proximalTerm: String?
    @Option(help: "Sites that a round needs.") var minimumSites: String?
    @Option(help: "Of a round's training: 90 s, 30 min, 2 h.") var deadline: String?
    @Option(help: "Of fingerprinting, and of preprocessing, at every site.") var preparationDeadline: String?
    @Option(help: "The share of the sites that train in a round.") var fractionFit: String?
    @Option(help: "The share of the sites that judge the global model.") var fractionEvaluate: String?
    @Option(help: "Rounds between two judgements; 0 never judges.") var validationFrequency: String?
    @Option(help: "Rounds between two checkpoints of the global model.") var saveFrequency: String?
    @Flag(name: .customLong("no-validate"), help: "Do not judge the global model.") var skipsValidation = false
    @Flag(help: "At the end, judge every site's model at every site.") var crossSite = false
    @Option(help: "Validation cases drawn in each site's own report; 0 draws none.") var overlays: String?
    @Option(parsing: .upToNextOption, help: "Also train: centralised, centralised-all-steps, alone.") var baselines:
        [String] = []
    @Option(help: "as-is, intersection or union of the sites' labels.") var labels: String?
    @Option(name: .customLong("device", withSingleDash: true), help: "cpu, cuda or cuda:N.") var device: String?
    @Option(name: .customLong("set"), help: "Any value of the run file: training.rounds=20.") var settings: [String] =
        []

    func apply(to run: inout RunFile) throws {
        let pairs: [(String, String?)] = [
            ("name", name), ("output", output), ("training.rounds", rounds), ("training.local_epochs", localEpochs),
            ("training.iterations_per_epoch", iterationsPerEpoch),
            ("training.validation_iterations_per_epoch", valIterationsPerEpoch),
            ("training.warm_up_rounds", warmUpRounds), ("training.batch_size", batchSize),
            ("training.initial_learning_rate", initialLr), ("training.precision", precision), ("training.seed", seed),
            ("training.trainer", trainer), ("plan.plans_name", plansName), ("plan.planner", planner),
            ("plan.gpu_memory_target", memoryTarget),
            ("plan.target_spacing", targetSpacing.isEmpty ? nil : "[\(targetSpacing.joined(separator: ", "))]"),
            ("plan.fingerprint", asym ? "none" : ffe), ("sharing.mode", sharing),
            ("strategy.aggregation", aggregation), ("strategy.weights", weights),
            ("strategy.modality_weights", modalityWeights.map(Self.mapping)), ("strategy.update", update),
            ("strategy.server_optimizer", serverOptimizer), ("strategy.proximal_term", proximalTerm),
            ("strategy.minimum_sites", minimumSites), ("strategy.deadline", deadline),
            ("strategy.preparation_deadline", preparationDeadline),
            ("strategy.select", fractionFit.map { "{fraction: \($0)}" }),
            ("validation.select", fractionEvaluate.map { "{fraction: \($0)}" }),
            ("validation.every", skipsValidation ? "0" : validationFrequency), ("save_every", saveFrequency),
            ("validation.cross_site", crossSite ? "true" : nil), ("validation.overlays", overlays),
            ("baselines", baselines.isEmpty ? nil : "[\(baselines.joined(separator: ", "))]"), ("labels", labels),
            ("device", device),
        ]
        for (path, value) in pairs { if let value { try run.set(path, value) } }
        for setting in settings {
            guard let equals = setting.firstIndex(of: "=") else {
                throw ValidationError("--set \(setting): write PATH=VALUE, such as training.rounds=20.")
            }
            try run.set(String(setting[..<equals]), String(setting[setting.index(after: equals)...]))
        }
    }

    /// `CT=0.6,MR=0.4` as YAML; what is JSON or YAML already stays as it is.
    private static func mapping(_ text: String) -> String {
        guard !text.contains("{") else { return text }
        return "{" + text.split(separator: ",").map { $0.replacing("=", with: ": ") }.joined(separator: ", ") + "}"
    }
}
