import ArgumentParser
import Imaging
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The options of every command that works on datasets.
struct DatasetOptions: ParsableArguments {
    @Option(
        name: .customShort("d"), parsing: .upToNextOption,
        help: "Datasets: numbers, or names such as Dataset004_Hippocampus.")
    var datasets: [String]

    func names() throws -> [String] { try datasets.map { try DatasetFolders().datasetName($0) } }

    mutating func validate() throws {
        guard !datasets.isEmpty else { throw ValidationError("Name at least one dataset: -d 4") }
    }
}

/// How much of the work is shown.
struct WatchOptions: ParsableArguments {
    @Flag(name: .customLong("verbose"), help: "A line for every case instead of the progress bar.") var verbose = false
    @Flag(name: .customLong("no_pbar"), help: "No progress bar.") var noProgress = false

    var hidesProgress: Bool { noProgress || verbose }

    func show(_ report: CaseReport) { if verbose { print(report) } }
}

/// Options of the fingerprint.
struct FingerprintOptions: ParsableArguments {
    @Option(name: .customLong("fpe", withSingleDash: true), help: "The extractor; only nnU-Net's own is known.")
    var extractor = "DatasetFingerprintExtractor"
    @Flag(name: .customLong("verify_dataset_integrity"), help: "Check every case first.")
    var verifies = false
    @Flag(name: .customLong("clean"), help: "Compute the fingerprint again where there is one.")
    var clean = false

    mutating func validate() throws {
        guard extractor == "DatasetFingerprintExtractor" else {
            throw ValidationError("Fingerprint extractor \(extractor) is unknown; only DatasetFingerprintExtractor is.")
        }
    }

    func run(_ name: String, threads: Int, watching: WatchOptions) throws {
        let folders = DatasetFolders()
        let dataset = try RawDataset(folder: folders.raw.appending(path: name))
        if verifies {
            let check = Progress("\(name) integrity", count: dataset.cases.count, isSilent: watching.hidesProgress)
            let warnings = try IntegrityCheck(dataset).run(threads: threads) { check.show($0) }
            for warning in warnings { StandardError.write("Warning: \(warning)\n") }
        }
        let target = folders.preprocessed.appending(path: name)
        let file = target.appending(path: "dataset_fingerprint.json")
        if !clean, FileManager.default.fileExists(atPath: file.path) {
            print("\(name): the fingerprint is there already (--clean computes it again).")
            return
        }
        let progress = Progress("\(name) fingerprint", count: dataset.cases.count, isSilent: watching.hidesProgress)
        let fingerprint = try FingerprintExtractor(dataset).run(threads: threads) { done, report in
            watching.show(report)
            progress.show(done)
        }
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        try fingerprint.write(to: file)
        print("\(name): \(file.path)")
    }
}

/// Options of the planner.
struct PlannerOptions: ParsableArguments {
    @Option(
        name: .customLong("pl", withSingleDash: true),
        help: "The planner: \(PlannerPreset.allCases.map(\.rawValue).joined(separator: ", ")).")
    var planner = "ExperimentPlanner"
    @Option(
        name: .customLong("gpu_memory_target", withSingleDash: true),
        help: "GB of memory to plan for (default: the planner's own).")
    var memoryTarget: Double?
    @Option(
        name: .customLong("preprocessor_name", withSingleDash: true),
        help: "The preprocessor; only nnU-Net's own is known.")
    var preprocessorName = "DefaultPreprocessor"
    @Option(
        name: .customLong("overwrite_target_spacing", withSingleDash: true), parsing: .upToNextOption,
        help: "Three numbers (z y x) instead of the median spacing.")
    var targetSpacing: [Double] = []
    @Option(name: .customLong("overwrite_plans_name", withSingleDash: true), help: "Another name for the plans.")
    var plansName: String?

    mutating func validate() throws {
        guard preprocessorName == "DefaultPreprocessor" else {
            throw ValidationError("Preprocessor \(preprocessorName) is unknown; only DefaultPreprocessor is.")
        }
    }

    /// Plans a dataset and returns the plans' name.
    func run(_ name: String) throws -> String {
        let planner = try ExperimentPlanner(
            PlannerPreset(name: planner), memoryTarget: memoryTarget,
            targetSpacing: targetSpacing.isEmpty ? nil : targetSpacing,
            plansName: plansName)
        let folders = DatasetFolders()
        let target = folders.preprocessed.appending(path: name)
        let dataset = try RawDataset(folder: folders.raw.appending(path: name))
        let fingerprintFile = target.appending(path: "dataset_fingerprint.json")
        guard FileManager.default.fileExists(atPath: fingerprintFile.path) else {
            throw NNUNetError.file(fingerprintFile.path, reason: "is not there. Run cohort extract-fingerprint first.")
        }
        var plans = try planner.plan(
            dataset.description, fingerprint: DatasetFingerprint(contentsOf: fingerprintFile), datasetName: name,
            imageReaderWriter: dataset.imageReaderWriter())
        let file = target.appending(path: planner.plansName + ".json")
        if FileManager.default.fileExists(atPath: file.path) {
            plans = try plans.keepingAddedConfigurations(of: Plans(contentsOf: file))
        }
        try plans.write(to: file)
        try JSONValue.object(dataset.description.json).write(to: target.appending(path: "dataset.json"))
        let splits = dataset.folder.appending(path: "splits_final.json")
        if FileManager.default.fileExists(atPath: splits.path) {
            try Splits(contentsOf: splits).write(to: target.appending(path: "splits_final.json"))
        }
        for configuration in plans.configurations {
            print(
                "\(name) \(configuration.name): patch \(configuration.patchSize), batch \(configuration.batchSize), spacing \(configuration.spacing)"
            )
        }
        print("\(name): \(file.path)")
        return planner.plansName
    }
}

/// Options of preprocessing.
struct PreprocessingOptions: ParsableArguments {
    @Option(name: .customShort("c"), parsing: .upToNextOption, help: "Configurations.")
    var configurations = ["2d", "3d_fullres", "3d_lowres"]
    @Option(
        name: .customLong("np", withSingleDash: true), parsing: .upToNextOption,
        help: "Cases at a time: one number, or one for each configuration (default: the cores).")
    var processes: [Int] = []
    @Option(help: "How arrays are stored: b2nd, or npz as older nnU-Nets did.") var dataFormat = PreprocessedFolder.Form
        .blosc2

    mutating func validate() throws {
        guard processes.isEmpty || processes.count == 1 || processes.count == configurations.count,
            processes.allSatisfy({ $0 > 0 })
        else {
            throw ValidationError("-np takes one number, or one for each of the \(configurations.count) configurations")
        }
    }

    func run(_ name: String, plansName: String, watching: WatchOptions) throws {
        let folders = DatasetFolders()
        let target = folders.preprocessed.appending(path: name)
        let plansFile = target.appending(path: plansName + ".json")
        guard FileManager.default.fileExists(atPath: plansFile.path) else {
            throw NNUNetError.file(plansFile.path, reason: "is not there. Run cohort plan-experiment first.")
        }
        let plans = try Plans(contentsOf: plansFile)
        let dataset = try RawDataset(folder: folders.raw.appending(path: name))
        for (index, configurationName) in configurations.enumerated() {
            guard let configuration = plans.configurations.first(where: { $0.name == configurationName }) else {
                print("\(name): \(plansName) has no configuration \(configurationName); left out.")
                continue
            }
            let threads = processes.isEmpty ? defaultThreads : processes.count == 1 ? processes[0] : processes[index]
            let progress = Progress(
                "\(name) \(configurationName)", count: dataset.cases.count, isSilent: watching.hidesProgress)
            let run = try DatasetPreprocessor(
                dataset, plans: plans, configuration: configuration, folder: target, form: dataFormat)
            try run.run(threads: threads) { done, report in
                watching.show(report)
                progress.show(done)
            }
            print("\(name) \(configurationName): \(run.output.path)")
        }
    }
}

struct ExtractFingerprintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract-fingerprint", abstract: "Read a raw dataset once and write its fingerprint.",
        discussion: "EXAMPLE\n  cohort extract-fingerprint -d 4 --verify_dataset_integrity")

    @OptionGroup var datasets: DatasetOptions
    @OptionGroup var fingerprint: FingerprintOptions
    @OptionGroup var processes: ProcessOptions
    @OptionGroup var watching: WatchOptions

    func run() throws {
        for name in try datasets.names() {
            try fingerprint.run(name, threads: processes.threads, watching: watching)
        }
    }
}

struct PlanExperimentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan-experiment", abstract: "Turn a fingerprint into plans.",
        discussion: "EXAMPLE\n  cohort plan-experiment -d 4 -pl nnUNetPlannerResEncM")

    @OptionGroup var datasets: DatasetOptions
    @OptionGroup var planner: PlannerOptions

    func run() throws { for name in try datasets.names() { _ = try planner.run(name) } }
}

struct PreprocessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preprocess", abstract: "Crop, normalise and resample every case of a dataset, as its plans say.",
        discussion: "EXAMPLE\n  cohort preprocess -d 4 -c 3d_fullres -np 4")

    @OptionGroup var datasets: DatasetOptions
    @Option(name: .customLong("plans_name", withSingleDash: true), help: "The plans to follow.") var plansName =
        "nnUNetPlans"
    @OptionGroup var preprocessing: PreprocessingOptions
    @OptionGroup var watching: WatchOptions

    func run() throws {
        for name in try datasets.names() { try preprocessing.run(name, plansName: plansName, watching: watching) }
    }
}

struct PlanAndPreprocessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan-and-preprocess", abstract: "Fingerprint, plans and preprocessing in one go.",
        discussion: "EXAMPLE\n  cohort plan-and-preprocess -d 4 --verify_dataset_integrity -c 3d_fullres")

    @OptionGroup var datasets: DatasetOptions
    @OptionGroup var fingerprint: FingerprintOptions
    @Option(
        name: .customLong("npfp", withSingleDash: true),
        help: "Cases at a time for the fingerprint (default: the cores).")
    var fingerprintProcesses: Int?
    @Flag(name: .customLong("no_pp"), help: "Stop after planning.") var noPreprocessing = false
    @OptionGroup var planner: PlannerOptions
    @OptionGroup var preprocessing: PreprocessingOptions
    @OptionGroup var watching: WatchOptions

    func run() throws {
        for name in try datasets.names() {
            try fingerprint.run(name, threads: fingerprintProcesses ?? defaultThreads, watching: watching)
            let plansName = try planner.run(name)
            if !noPreprocessing { try preprocessing.run(name, plansName: plansName, watching: watching) }
        }
    }
}

extension PreprocessedFolder.Form: ExpressibleByArgument {}
