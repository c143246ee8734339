import ArgumentParser

#if canImport(Glibc)
    @preconcurrency import Glibc
#elseif canImport(Musl)
    @preconcurrency import Musl
#elseif canImport(Darwin)
    @preconcurrency import Darwin
#endif

/// The subcommands, and the only place where Cohort's parts are wired together.
@main
struct Cohort: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cohort",
        abstract: "Federated learning for medical imaging: nnU-Net, native.",
        discussion: """
            A dataset in nnU-Net's raw form goes through plan-and-preprocess, train and predict. Folders are taken from \
            nnUNet_raw, nnUNet_preprocessed and nnUNet_results, and from ./cohort-data where these are not set. Called under \
            nnU-Net's name, through a link nnUNetv2_train → cohort for example, it is that command.

            EXAMPLE
              cohort phantom -d 900 && cohort plan-and-preprocess -d 900 && cohort train 900 3d_fullres 0 --epochs 5
            """,
        version: "0.1.0",
        subcommands: [
            InspectCommand.self, PhantomCommand.self, ConvertMSDDatasetCommand.self, DatasetsCommand.self,
            ExtractFingerprintCommand.self,
            PlanExperimentCommand.self, PreprocessCommand.self, PlanAndPreprocessCommand.self, TrainCommand.self,
            PredictCommand.self,
            PredictFromModelFolderCommand.self, EvaluateFolderCommand.self, EvaluateSimpleCommand.self,
            PlotOverlaysCommand.self, SimulateCommand.self, ServerCommand.self, SiteCommand.self, SubmitCommand.self,
            StatusCommand.self, AuditCommand.self, LogsCommand.self, StopCommand.self, DownloadCommand.self,
            ProvisionCommand.self,
            JoinCommand.self, DoctorCommand.self, PrivacyCommand.self,
        ])

    /// nnU-Net's names, under which a link makes this program that command.
    private static let nnUNetNames = [
        "nnUNetv2_convert_MSD_dataset": "convert-msd-dataset", "nnUNetv2_extract_fingerprint": "extract-fingerprint",
        "nnUNetv2_plan_experiment": "plan-experiment", "nnUNetv2_preprocess": "preprocess",
        "nnUNetv2_plan_and_preprocess": "plan-and-preprocess", "nnUNetv2_train": "train", "nnUNetv2_predict": "predict",
        "nnUNetv2_predict_from_modelfolder": "predict-from-modelfolder", "nnUNetv2_evaluate_folder": "evaluate-folder",
        "nnUNetv2_evaluate_simple": "evaluate-simple",
    ]

    static func main() async {
        // A log that is followed while it grows shows every line when it is written.
        setvbuf(stdout, nil, _IOLBF, 0)
        let name = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? ""
        let arguments = Array(CommandLine.arguments.dropFirst())
        await main(nnUNetNames[name].map { [$0] + arguments } ?? arguments)
    }
}
