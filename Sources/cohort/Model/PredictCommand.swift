import ArgumentParser
import Imaging
import Learning
import NNUNet
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What both ways of predicting have in common.
struct PredictionOptions: ParsableArguments {
    @Option(name: .customShort("i"), help: "Folder of images, case_0000.nii.gz and so on.") var input: String
    @Option(name: .customShort("o"), help: "Folder for the segmentations.") var output: String
    @Option(
        name: .customShort("f"), parsing: .upToNextOption,
        help: "Folds whose networks are averaged (default: all that are trained).")
    var folds: [String] = []
    @Option(name: .customLong("step_size", withSingleDash: true), help: "Distance of tiles, as a share of the patch.")
    var stepSize = 0.5
    @Flag(
        name: .customLong("disable_tta"),
        help: "Do not average over mirrored images: eight times faster in 3D, a little worse.")
    var disableMirroring = false
    @Flag(name: .customLong("verbose"), help: "A line for every case instead of the progress bar.") var verbose = false
    @Flag(name: .customLong("save_probabilities"), help: "Save the probabilities too (.npz and .pkl), for ensembles.")
    var savesProbabilities = false
    @Flag(
        name: [.customLong("continue_prediction"), .customLong("c")],
        help: "Leave out cases that are predicted already.")
    var continues = false
    @Option(name: .customLong("chk", withSingleDash: true), help: "The checkpoint's name.") var checkpoint =
        "checkpoint_final.pth"
    @Option(name: .customLong("npp", withSingleDash: true), help: "Cases that are prepared ahead.") var preparing = 3
    @Option(
        name: .customLong("nps", withSingleDash: true),
        help: "Cases that are exported beside the network.") var exporting = 3
    @Option(
        name: .customLong("prev_stage_predictions", withSingleDash: true),
        help: "Of a cascade; cascades do not work yet.")
    var previousStage: String?
    @Option(name: .customLong("device", withSingleDash: true), help: "cpu, cuda or cuda:N.") var device: String?
    @Flag(name: .customLong("disable_progress_bar"), help: "No progress bar.") var noProgress = false
    @Flag(
        name: .customLong("not_on_device"),
        help: "Sum the tiles of an image in the computer's memory instead of the GPU's.")
    var notOnDevice = false
    @Option(help: "fp32, bf16 or fp16 (default: what the device does best).") var precision: String?
    @Option(help: "Threads of the network on a CPU (default: the cores).") var threads: Int?

    func validate() throws {
        guard previousStage == nil else { throw ValidationError("-prev_stage_predictions: cascades do not work yet.") }
        guard device != "mps" else { throw ValidationError("-device mps: Cohort runs on cpu and cuda.") }
        guard preparing > 0, exporting > 0 else { throw ValidationError("-npp and -nps must be at least 1.") }
        guard stepSize > 0, stepSize <= 1 else { throw ValidationError("-step_size must be above 0 and at most 1.") }
        guard precision == nil || TrainingSettings.Precision(rawValue: precision!) != nil else {
            throw ValidationError("--precision \(precision!) is unknown: fp32, bf16 or fp16.")
        }
    }

    func run(_ folder: ModelFolder, configuration name: String, part: (index: Int, count: Int), arguments: JSONObject)
        async throws
    {
        let output = URL(filePath: output, directoryHint: .isDirectory)
        let prediction = try FolderPrediction(
            folder, configuration: name, folds: folds.isEmpty ? nil : folds.map { try Fold($0) },
            checkpoint: checkpoint, images: URL(filePath: input, directoryHint: .isDirectory), output: output,
            savesProbabilities: savesProbabilities, skipsExisting: continues, part: part)
        let cases = prediction.cases
        try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
        try prediction.plans.write(to: output.appending(path: "plans.json"))
        try JSONValue.object(prediction.dataset.json).write(to: output.appending(path: "dataset.json"))
        try JSONValue.object(arguments).write(to: output.appending(path: "predict_from_raw_data_args.json"))

        var settings = PredictionSettings()
        settings.stepSize = stepSize
        settings.mirroring = !disableMirroring
        settings.precision = precision.flatMap { TrainingSettings.Precision(rawValue: $0) }
        settings.threads = threads
        settings.casesPreparing = preparing
        settings.casesExporting = exporting
        settings.sumsOnDevice = !notOnDevice
        let progress = Progress("prediction", count: cases.count, isSilent: noProgress || verbose)
        let done = CompletionCount()
        let verbose = verbose
        try await prediction.run(settings, device: resolvedDevice(device)) { index in
            if verbose { print(cases.cases[index].identifier) }
            progress.show(done.next())
        }
        print("\(cases.count) cases: \(output.path)")
    }

    var json: JSONObject {
        JSONObject([
            ("input", .string(input)), ("output", .string(output)), ("folds", .array(folds.map(JSONValue.string))),
            ("step_size", .number(stepSize)), ("use_mirroring", .bool(!disableMirroring)),
            ("save_probabilities", .bool(savesProbabilities)), ("checkpoint_name", .string(checkpoint)),
        ])
    }
}

extension ModelFolder {
    /// The last part of `Trainer__Plans__configuration`.
    var configurationName: String {
        let name = url.lastPathComponent
        guard let underscore = name.indices.last(where: { name[$0...].hasPrefix("__") }) else { return name }
        return String(name[underscore...].dropFirst(2))
    }
}

struct PredictCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Segment images with a trained model of nnUNet_results.",
        discussion: "EXAMPLE\n  cohort predict -i imagesTs -o predictions -d 4 -c 3d_fullres -f 0 1 2 3 4")

    @OptionGroup var options: PredictionOptions
    @Option(name: .customShort("d"), help: "The dataset's number or name.") var dataset: String
    @Option(name: .customShort("p"), help: "The plans.") var plans = "nnUNetPlans"
    @Option(name: .customLong("tr", withSingleDash: true), help: "The trainer's name.") var trainer = "nnUNetTrainer"
    @Option(name: .customShort("c"), help: "The configuration.") var configurationName: String
    @Option(name: .customLong("num_parts", withSingleDash: true), help: "Share the cases among so many calls.")
    var parts = 1
    @Option(name: .customLong("part_id", withSingleDash: true), help: "Which of them this is, from 0.") var part = 0

    func run() async throws {
        let folders = DatasetFolders()
        let folder = folders.modelFolder(
            dataset: try folders.datasetName(dataset), trainer: trainer, plans: plans, configuration: configurationName)
        try await options.run(
            ModelFolder(folder), configuration: configurationName, part: (part, parts), arguments: options.json)
    }
}

struct PredictFromModelFolderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict-from-modelfolder", abstract: "Segment images with a model folder, wherever it lies.",
        discussion:
            "EXAMPLE\n  cohort predict-from-modelfolder -i imagesTs -o predictions -m nnUNetTrainer__nnUNetPlans__3d_fullres -f 0"
    )

    @OptionGroup var options: PredictionOptions
    @Option(name: .customShort("m"), help: "The model's folder, with plans.json and fold_0 and so on.") var model:
        String

    func run() async throws {
        let folder = ModelFolder(URL(filePath: model, directoryHint: .isDirectory).standardizedFileURL)
        try await options.run(folder, configuration: folder.configurationName, part: (0, 1), arguments: options.json)
    }
}
