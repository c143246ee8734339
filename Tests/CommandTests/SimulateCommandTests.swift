import Foundation
import NNUNet
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite(
    "Simulate", .serialized,
    .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct SimulateCommandTests {
    private func hospitals(_ cohort: Program) throws {
        for number in ["301", "302"] {
            let made = try cohort(
                "phantom", "-d", number, "--name", "H\(number)", "--cases", "6", "--test-cases", "1", "--size", "16",
                "20",
                "20", "--scanners", "1", "--seed", number)
            #expect(made.status == 0, "\(made.errors)")
        }
    }

    private let short = [
        "simulate", "train", "301 302", "3d_fullres", "0", "--rounds", "3", "--iterations-per-epoch", "2",
        "--val-iterations-per-epoch", "1", "--batch-size", "2", "--precision", "fp32", "-device", "cpu",
    ]

    @Test func faultsOfARunFileAreToldBeforeAnythingStarts() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try Data("sites: [{dataset: 301}, {dataset: 302}]\ntraining:\n  ronds: 3\n".utf8).write(
            to: cohort.folder.appending(path: "run.yaml"))
        let misspelt = try cohort("simulate", "run.yaml")
        #expect(misspelt.status == 1 && misspelt.output.isEmpty)
        #expect(misspelt.errors.contains("training.ronds is unknown; did you mean rounds?"), "\(misspelt.errors)")
        let missing = try cohort("simulate", "train", "301 302", "3d_fullres", "0")
        #expect(missing.status == 1 && missing.errors.contains("No dataset has the number 301"))
        #expect(try cohort("simulate", "train").status == 64)
        #expect(try cohort("simulate", "none.yaml").status == 1)
        #expect(!cohort.exists("runs"))
    }

    @Test func fingerprintsAndPlansAloneNeedNoLibtorch() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try hospitals(cohort)
        let environment = ["COHORT_CTORCH": "/nowhere.so"]
        let extracted = try cohort("simulate", "extract_fingerprint", "301 302", environment: environment)
        #expect(extracted.status == 0, "\(extracted.errors)")
        func fingerprint(_ number: String) throws -> Data {
            try cohort.bytes("cohort-data/nnUNet_preprocessed/Dataset\(number)_H\(number)/dataset_fingerprint.json")
        }
        #expect(try fingerprint("301") == fingerprint("302"))
        let planned = try cohort("simulate", "plan-and-preprocess", "301 302", "3d_fullres", environment: environment)
        #expect(planned.status == 0, "\(planned.errors)")
        func plans(_ number: String) throws -> Plans {
            try Plans(
                contentsOf: cohort.folder.appending(
                    path: "cohort-data/nnUNet_preprocessed/Dataset\(number)_H\(number)/nnUNetPlans.json"))
        }
        #expect(try plans("301").json["configurations"] == plans("302").json["configurations"])
        #expect(try plans("301").datasetName == "Dataset301_H301")
    }

    /// Killed with SIGKILL again and again, a run ends with the bits of one that was left alone.
    @Test func aKilledRunEndsWithTheSameBits() async throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try hospitals(cohort)
        let process = try cohort.start(short + ["--output", "whole"])
        process.waitUntilExit()
        let whole = try cohort.outcome(of: process)
        #expect(whole.status == 0, "\(whole.errors)")

        // Pictures stand in each site's own report, and nowhere else.
        func text(_ path: String) throws -> String { String(decoding: try cohort.bytes(path), as: UTF8.self) }
        for site in ["H301", "H302"] {
            let page = try text("whole/sites/\(site)/report.html")
            #expect(page.contains("<h1>\(site)</h1>") && page.contains("data:image/png") && page.contains("phantom_"))
            #expect(!cohort.exists("whole/sites/\(site)/.overlays"))
        }
        let page = try text("whole/report.html")
        #expect(!page.contains("<img") && !page.contains("phantom_"))
        #expect(try text("whole/run.yaml").contains("threads: "))

        var kills = 0
        var delay = 400
        var last: Program.Outcome?
        while last == nil, kills < 40 {
            let process = try cohort.start(short + ["--output", "killed"])
            // Later each time, so that every run gets further than the one before.
            for _ in 0..<(delay / 20) where process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
            if process.isRunning {
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
                kills += 1
                delay += 350
            } else {
                process.waitUntilExit()
                last = try cohort.outcome(of: process)
            }
        }
        #expect(kills > 0 && last?.status == 0, "\(kills) kills; \(last?.errors ?? "never ended")")
        #expect(
            try cohort.bytes("killed/server/global-3.safetensors") == cohort.bytes("whole/server/global-3.safetensors"))
        func rounds(_ run: String) throws -> Int {
            try String(decoding: cohort.bytes("\(run)/metrics.jsonl"), as: UTF8.self).split(separator: "\n").count
        }
        #expect(try rounds("killed") == rounds("whole"))
    }
}
