import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite(
    "Privacy", .serialized,
    .enabled(if: Program.isBuilt, "the program is not built: swift build --build-tests builds it"))
struct PrivacyCommandTests {
    @Test func epsilonsAreThoseOfTheSpecification() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let found = try cohort(
            "privacy", "epsilon", "--sampling-rate", "0.01", "--noise-multiplier", "1.1", "--steps", "10000", "--delta",
            "1e-5")
        #expect(found.status == 0 && found.output.hasPrefix("Rényi: 5.63") && found.output.contains("\nPLD: 5.19"))
        let wrong = try cohort(
            "privacy", "epsilon", "--sampling-rate", "2", "--noise-multiplier", "1", "--steps", "1", "--delta", "1e-5")
        #expect(wrong.status != 0 && wrong.errors.contains("sampling rate"), "\(wrong.errors)")
    }

    private static let run = """
        sites: [{dataset: 301, name: a, threads: 1}, {dataset: 302, name: b, threads: 1}]
        training: {rounds: 2, iterations_per_epoch: ITERATIONS, validation_iterations_per_epoch: 1, precision: fp32}
        strategy: {weights: uniform, minimum_sites: 2}
        validation: {overlays: 0, every: 0}
        privacy: {differential_privacy: {unit: record, noise_multiplier: 2, delta: 1e-3, expected_batch: 2}}
        output: out
        device: cpu
        """

    private func hospitals(_ cohort: Program, iterations: Int) throws {
        for number in ["301", "302"] {
            let made = try cohort(
                "phantom", "-d", number, "--name", "H\(number)", "--cases", "6", "--test-cases", "0", "--size", "16",
                "20", "20", "--scanners", "1", "--seed", number)
            #expect(made.status == 0, "\(made.errors)")
        }
        try Data(Self.run.replacing("ITERATIONS", with: "\(iterations)").utf8).write(
            to: cohort.folder.appending(path: "run.yaml"))
    }

    @Test func aPlanAsksForWhatItCannotKnowAndLooksUpTheRest() throws {
        let cohort = try Program()
        defer { cohort.remove() }
        try hospitals(cohort, iterations: 5)
        let unplanned = try cohort("privacy", "plan", "run.yaml")
        #expect(unplanned.status != 0 && unplanned.errors.contains("--parameters"), "\(unplanned.errors)")
        // Four of six cases train.
        let stated = try cohort("privacy", "plan", "run.yaml", "--parameters", "10000")
        #expect(stated.status == 0 && stated.output.contains("a, b\nunit of privacy: record"), "\(stated.errors)")
        #expect(stated.output.contains("steps: 10 in 2 rounds, each with a record's chance of 0.5"))
        // 2 · √10000 / 2.
        #expect(
            stated.output.contains("noise to signal: at least 100,") && stated.output.contains("It does not protect"))
        let other = try cohort("privacy", "plan", "run.yaml", "--parameters", "10000", "--records", "20")
        #expect(other.output.contains("a record's chance of 0.1"))
        let plain = try cohort(
            "privacy", "plan", "run.yaml", "--set", "privacy.differential_privacy.enabled=false", "--parameters", "1")
        #expect(plain.status != 0 && plain.errors.contains("no differential privacy"), "\(plain.errors)")
        #expect(try cohort("privacy", "ledger", "--folder", ".").status != 0)
    }

    private func ledgers(_ cohort: Program) throws -> [String] {
        try ["a/privacy-ledgers/Dataset301_H301", "b/privacy-ledgers/Dataset302_H302"].map { folder in
            let file = "out/sites/\(folder)/ledger.jsonl"
            return cohort.exists(file) ? String(decoding: try cohort.bytes(file), as: UTF8.self) : ""
        }
    }

    private func bookings(_ ledger: String) -> Int { ledger.split(separator: "\n").count { $0.contains("\"spent\"") } }

    /// Killed between booking and training: the round is spent, and the cap ends the run that trains it again.
    @Test func whatWasBookedStaysSpentAfterAKill() async throws {
        let cohort = try Program()
        defer { cohort.remove() }
        let iterations = 60
        try hospitals(cohort, iterations: iterations)
        func epsilon(rounds: Int) throws -> Double {
            let text = try cohort(
                "privacy", "epsilon", "--sampling-rate", "0.5", "--noise-multiplier", "2", "--steps",
                "\(rounds * iterations)", "--delta", "1e-3"
            ).output
            let line = try #require(text.split(separator: "\n").first)
            return try #require(Double(line.dropFirst("Rényi: ".count)))
        }
        // Enough for the two rounds of the run, and not for a third.
        let cap = try (epsilon(rounds: 2) + epsilon(rounds: 3)) / 2
        try Data("privacy: {cap: {epsilon: \(cap), delta: 1e-3}, plain_releases: [fingerprint]}".utf8).write(
            to: cohort.folder.appending(path: "policy.yaml"))
        let command = ["simulate", "run.yaml", "--policy", "policy.yaml"]
        let process = try cohort.start(command)
        // Both sites have booked the first round; its training takes seconds.
        for _ in 0..<6000 where process.isRunning {
            if try ledgers(cohort).allSatisfy({ bookings($0) == 1 }) { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(try ledgers(cohort).map(bookings) == [1, 1])
        #expect(!cohort.exists("out/server/global-1.safetensors"))

        let again = try cohort(command)
        #expect(again.status != 0 && again.errors.contains("privacy that this site gives"), "\(again)")
        #expect(try ledgers(cohort).map(bookings) == [2, 2])
        #expect(cohort.exists("out/server/global-1.safetensors") && !cohort.exists("out/server/global-2.safetensors"))
        for ledger in try ledgers(cohort) { #expect(!ledger.contains("phantom")) }

        let shown = try cohort("privacy", "ledger", "--folder", "out", "--delta", "1e-3")
        #expect(shown.status == 0 && shown.output.contains("Dataset301_H301"), "\(shown.output)")
        #expect(shown.output.contains("of 4: ε") && shown.output.contains("sampled Gaussian, q 0.5, σ 2"))

        // A line that was changed is told, and nothing is trained.
        let file = cohort.folder.appending(path: "out/sites/a/privacy-ledgers/Dataset301_H301/ledger.jsonl")
        try Data(ledgers(cohort)[0].replacing("\"count\":60", with: "\"count\":6").utf8).write(to: file)
        let broken = try cohort("privacy", "ledger", "--folder", "out", "--delta", "1e-3")
        #expect(broken.status == 1 && broken.output.contains("BROKEN: ledger.jsonl"), "\(broken.output)")
        let refused = try cohort(command)
        #expect(refused.status != 0 && refused.errors.contains("ledger.jsonl"), "\(refused)")
    }
}
