import Foundation
import NNUNet
import Testing

@Suite("Commands", .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct CommandTests {
    static let commands = [
        "inspect", "phantom", "convert-msd-dataset", "datasets", "extract-fingerprint", "plan-experiment", "preprocess",
        "plan-and-preprocess", "train", "predict", "predict-from-modelfolder", "evaluate-folder", "evaluate-simple",
        "plot-overlays", "simulate", "provision", "join",
    ]

    @Test(arguments: commands) func helpGivesAnExample(command: String) throws {
        let cohort = try Program()
        defer { cohort.remove() }
        // Help needs no libtorch, wherever it would be.
        let help = try cohort(command, "--help", environment: ["COHORT_CTORCH": "/nowhere.so"])
        #expect(help.status == 0)
        #expect(help.output.contains("EXAMPLE") && help.output.contains("cohort \(command)"))
    }

    @Test func aLinkUnderNnUNetsNameIsThatCommand() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let help = try cohort("-h", name: "nnUNetv2_train")
        #expect(help.status == 0 && help.output.contains("Train one fold"))
        let usage = try cohort("4", "3d_fullres", "0", "-num_gpus", "2", name: "nnUNetv2_train")
        #expect(usage.status == 64 && usage.errors.contains("-num_gpus 2"))
    }

    @Test func usageAndFailureHaveStatusesOfTheirOwn() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let usage = try cohort("train", "4")
        #expect(usage.status == 64 && usage.output.isEmpty && !usage.errors.isEmpty)
        let failure = try cohort("extract-fingerprint", "-d", "4")
        #expect(failure.status == 1 && failure.output.isEmpty)
        #expect(failure.errors.contains("No dataset has the number 4"))
        let noThreads = try cohort("extract-fingerprint", "-d", "4", "-np", "0")
        #expect(noThreads.status == 64 && noThreads.errors.contains("-np"))
    }

    @Test func phantomsFollowFromTheSeed() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        for (number, seed) in [("901", "1"), ("902", "1"), ("903", "2")] {
            let made = try cohort(
                "phantom", "-d", number, "--cases", "2", "--test-cases", "1", "--size", "12", "16", "16", "--seed", seed
            )
            #expect(made.status == 0, "\(made.errors)")
        }
        func image(_ number: String) throws -> Data {
            try cohort.bytes("cohort-data/nnUNet_raw/Dataset\(number)_Phantom/imagesTr/phantom_0000_0000.nii.gz")
        }
        #expect(try image("901") == image("902"))
        #expect(try image("901") != image("903"))
        let again = try cohort("phantom", "-d", "901")
        #expect(again.status == 1 && again.errors.contains("is there already"))
    }

    /// From raw data to preprocessed cases without libtorch; the folders that nnU-Net's variables name are used.
    @Test func aDatasetIsPlannedAndPreprocessedWithoutLibtorch() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let environment = [
            "COHORT_CTORCH": "/nowhere.so", "nnUNet_raw": cohort.folder.appending(path: "r").path,
            "nnUNet_preprocessed": cohort.folder.appending(path: "p").path,
        ]
        let made = try cohort(
            "phantom", "-d", "7", "--modality", "CT", "--cases", "3", "--test-cases", "0", "--size", "16", "20", "20",
            environment: environment)
        #expect(made.status == 0, "\(made.errors)")
        let planned = try cohort(
            "-d", "7", "-c", "3d_fullres", "--verify_dataset_integrity", name: "nnUNetv2_plan_and_preprocess",
            environment: environment)
        #expect(planned.status == 0, "\(planned.errors)")
        let folder = "p/Dataset007_Phantom"
        for file in ["dataset.json", "dataset_fingerprint.json", "nnUNetPlans.json"] {
            #expect(cohort.exists("\(folder)/\(file)"), "\(file)")
        }
        #expect(cohort.exists("\(folder)/nnUNetPlans_3d_fullres/phantom_0002.pkl"))
        #expect(cohort.exists("\(folder)/gt_segmentations/phantom_0002.nii.gz"))
        let training = try cohort("train", "7", "3d_fullres", "0", environment: environment)
        #expect(training.status == 1 && training.errors.contains("libtorch cannot be loaded"))

        let labels = cohort.folder.appending(path: "r/Dataset007_Phantom/labelsTr").path
        let scored = try cohort(
            "evaluate-simple", labels, labels, "-l", "1", "2", "-o", "summary.json", environment: environment)
        #expect(scored.status == 0, "\(scored.errors)")
        #expect(scored.output.contains("1.0000") && cohort.exists("summary.json"))
    }

    @Test func inspectSaysWhatItSees() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        _ = try cohort("phantom", "-d", "901", "--cases", "1", "--test-cases", "0", "--size", "12", "16", "20")
        let file = "cohort-data/nnUNet_raw/Dataset901_Phantom/labelsTr/phantom_0000.nii.gz"
        let seen = try cohort("inspect", file)
        #expect(seen.status == 0 && seen.output.contains("20 × 16 × 12") && seen.output.contains("NIfTI-1"))
        try Data("no image".utf8).write(to: cohort.folder.appending(path: "broken.nii"))
        let broken = try cohort("inspect", "broken.nii")
        #expect(broken.status == 1 && broken.errors.contains("broken.nii") && broken.output.isEmpty)
    }
}
