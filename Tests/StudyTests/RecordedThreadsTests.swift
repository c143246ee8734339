import Federation
import Foundation
import NNUNet
import Study
import Testing

/// The record of a run states each site's threads, and a run that is taken up keeps them.
@Suite struct RecordedThreadsTests {
    /// Nobody here can train: the run ends after its record is written.
    private struct NoEngine: StudyEngine {
        struct Missing: Error {}
        func learner(_ site: StudySite) throws -> any Learner { Idle() }
        func predict(_ order: PredictionOrder) async throws { throw Missing() }
        func check(_ training: RunFile.Training) throws {}
        func mirroringAxes(_ training: RunFile.Training, dimensions: Int) -> [Int]? { nil }
        func gpuCount() throws -> Int { 0 }

        struct Idle: Learner {
            func answer(_ question: Data) async throws -> Data { throw Missing() }
            func describe() async throws -> SiteDescription { throw Missing() }
            func initialWeights() async throws -> Weights { throw Missing() }
            func train(_ task: TrainTask) async throws -> ModelUpdate { throw Missing() }
            func validate(_ task: ValidationTask) async throws -> ValidationResult { throw Missing() }
            func model() async throws -> Weights { throw Missing() }
            func finish(_ model: Weights) async throws {}
        }
    }

    private func scratch(_ body: (URL, DatasetFolders) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "threads-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let folders = DatasetFolders(
            raw: folder.appending(path: "raw"), preprocessed: folder.appending(path: "pp"),
            results: folder.appending(path: "results"))
        for number in 1...2 {
            let phantom = try Phantom(
                modality: .mr, labels: 1, size: [8, 16, 16], spacing: [2, 1, 1], scanners: 1, channels: 1,
                seed: UInt64(number))
            try PhantomDataset(phantom, trainingCases: 6, testCases: 0).write(
                to: folders.raw.appending(path: "Dataset00\(number)_P"))
        }
        try await body(folder, folders)
    }

    private func simulation(_ yaml: String, _ folders: DatasetFolders, _ output: URL, cores: Int) throws -> Simulation {
        var run = try RunFile(yaml: yaml)
        run.output = output.path
        return try Simulation(run, folders: folders, tools: NoEngine(), cores: cores) { _ in }
    }

    @Test(arguments: [
        "sites: [{name: a, dataset: 1}, {name: b, dataset: 2}]\ndevice: cpu\n",
        "split: {dataset: 1, sites: 2}\ndevice: cpu\n",
    ]) func aRunThatIsTakenUpKeepsItsThreads(yaml: String) async throws {
        try await scratch { folder, folders in
            let output = folder.appending(path: "run")
            let first = try simulation(yaml, folders, output, cores: 6)
            #expect(first.sites.map(\.threads) == [3, 3])
            await #expect(throws: FederationError.self) { try await first.start() }
            let record = try String(contentsOf: output.appending(path: "run.yaml"), encoding: .utf8)
            #expect(record.contains("threads: 3"))
            // Another machine: the same threads, fewer sites at a time.
            let again = try simulation(yaml, folders, output, cores: 4)
            #expect(again.sites.map(\.threads) == [3, 3] && again.resources.sitesAtATime == 1)
            // A run of its own is free.
            let other = try simulation(yaml, folders, folder.appending(path: "other"), cores: 4)
            #expect(other.sites.map(\.threads) == [2, 2])
            // The record itself can be run again, there and elsewhere.
            #expect(try simulation(record, folders, output, cores: 2).sites.map(\.threads) == [3, 3])
            let stated = yaml.replacing("dataset: 1", with: "dataset: 1, threads: 2")
            let error = #expect(throws: StudyError.self) { try simulation(stated, folders, output, cores: 6) }
            #expect("\(error!)".contains("with 3 threads, not 2"))
        }
    }
}
