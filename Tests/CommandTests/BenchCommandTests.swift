import Foundation
import Testing

/// FednnU-Net's short way: a server and sites on the loopback address, each a process.
@Suite(
    "Bench", .serialized,
    .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct BenchCommandTests {
    private let training = [
        "--rounds", "2", "--iterations-per-epoch", "2", "--val-iterations-per-epoch", "1", "--batch-size", "2",
        "--precision", "fp32", "-device", "cpu",
    ]

    @Test func aRunEndsWithTheBitsOfASimulation() async throws {
        let cohort = try Program()
        defer { cohort.remove() }
        for number in ["301", "302", "303"] {
            let made = try cohort(
                "phantom", "-d", number, "--name", "H\(number)", "--cases", "6", "--test-cases", "1", "--size", "16",
                "20", "20", "--scanners", "1", "--seed", number)
            #expect(made.status == 0, "\(made.errors)")
        }
        let threads = (0..<3).flatMap { ["--set", "sites.\($0).threads=1"] }
        let simulated = try cohort(
            ["simulate", "train", "301 302 303", "3d_fullres", "0", "--output", "simulated"] + training + threads)
        #expect(simulated.status == 0, "\(simulated.errors)")

        let port = "\(Int.random(in: 20_000..<60_000))"
        // What a site was started for must be what the server leads.
        let wrong = try cohort.start(
            ["server", "train", "--num_clients", "1", "--port", port, "--output", "wrong"] + training, log: "wrong")
        let other = try cohort.start(
            [
                "site", "train", "301", "3d_fullres", "0", "--port", port, "-tr", "nnUNetTrainer_5epochs", "--output",
                "o",
            ],
            log: "other")
        wrong.waitUntilExit()
        other.waitUntilExit()
        let reason = "The run is for -tr nnUNetTrainer, and this site was started for -tr nnUNetTrainer_5epochs."
        #expect(wrong.terminationStatus == 1)
        #expect(String(decoding: try cohort.bytes("wrong.err"), as: UTF8.self).contains(reason))

        let server = try cohort.start(
            ["server", "train", "--num_clients", "3", "--port", port] + training, log: "server")
        let sites = try ["301", "302", "303"].map {
            try cohort.start(
                ["site", "train", $0, "3d_fullres", "0", "--port", port, "-device", "cpu", "--threads", "1"], log: $0)
        }
        for process in [server] + sites { process.waitUntilExit() }
        let errors = String(decoding: try cohort.bytes("server.err"), as: UTF8.self)
        #expect(server.terminationStatus == 0 && sites.allSatisfy { $0.terminationStatus == 0 }, "\(errors)")
        let global = "server/global-2.safetensors"
        #expect(try cohort.bytes("simulated/" + global) == cohort.bytes("runs/train/" + global))
        let model = "Dataset302_H302/nnUNetTrainer__nnUNetPlans__3d_fullres/fold_0/checkpoint_final.pth"
        #expect(cohort.exists("runs/site_Dataset302_H302/runs/1/results/" + model))
    }

    /// Every argument of nnUNetv2_train is known; none is passed over.
    @Test(arguments: [
        (["-pretrained_weights", "x.pth"], "-pretrained_weights: every round begins with the server's model"),
        (["--npz"], "cohort train DATASET CONFIGURATION FOLD --val --npz"),
        (["--val"], "cohort train DATASET CONFIGURATION FOLD --val"),
        (["--val_best"], "cohort train DATASET CONFIGURATION FOLD --val --val_best"),
        (["--disable_checkpointing"], "a site that is ended goes on with its last round"),
        (["-num_gpus", "2"], "training on several GPUs does not work yet"),
        (["-device", "mps"], "Cohort runs on cpu and cuda"),
    ])
    func whatHasNoPlaceInAFederationIsRefused(arguments: [String], expected: String) throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let outcome = try cohort(["site", "train", "301", "3d_fullres", "0"] + arguments)
        #expect(outcome.status == 64 && outcome.errors.contains(expected), "\(outcome.errors)")
    }

    @Test func continuingNeedsARun() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let made = try cohort("phantom", "-d", "301", "--name", "H", "--cases", "5", "--size", "16", "20", "20")
        #expect(made.status == 0, "\(made.errors)")
        let none = try cohort("site", "train", "301", "3d_fullres", "0", "--c")
        #expect(none.status != 0 && none.errors.contains("no run in"), "\(none.errors)")
        let fold = try cohort("site", "train", "301", "3d_fullres", "all")
        #expect(fold.status == 1 && fold.errors.contains("all-cases"), "\(fold.errors)")
    }
}
