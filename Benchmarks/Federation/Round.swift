import ArgumentParser
import Federation
import Foundation

/// Whole rounds of a coordinator with sites in the same process, whose training costs next to nothing.
struct Round: AsyncParsableCommand {
    @Option var sites = 1000
    @Option(help: "Of the model, as float32.") var bytes = 40960
    @Option(help: "Where the run is kept; without it nothing is written.") var folder: String?
    @Option var rounds = 5
    @Option(help: "Tensors of the model, of about equal size.") var tensors = 10
    @Flag(help: "One JSON object.") var json = false

    func run() async throws {
        let count = bytes / 4
        let model = (0..<tensors).map { index in
            TensorDescription(
                name: "layer\(index).weight", shape: [count * (index + 1) / tensors - count * index / tensors])
        }
        let stopwatch = Stopwatch()
        let run = folder.map { URL(filePath: $0).appending(path: "federation-benchmarks-\(getpid())") }
        defer { if let run { try? FileManager.default.removeItem(at: run) } }
        var strategy = Strategy()
        strategy.minimumSites = sites
        let coordinator = try Coordinator(
            RunSettings(rounds: rounds), strategy: strategy, folder: try run.map { try RunFolder($0) },
            observers: [stopwatch])
        for index in 0..<sites {
            let name = "site-\(index)"
            let learner = CopyingLearner(
                description: SiteDescription(name: name, examples: index + 1, tensors: model.map { TensorRole($0) }))
            try await coordinator.join(InProcessLink(Site(name: name, learner: learner)))
        }
        Memory.forgetPeak()
        let result = try await coordinator.run()
        let peak = Memory.peak
        var figures = Figures()
        let wall = await stopwatch.rounds
        figures.add("seconds", median(wall))
        figures.add("slowest seconds", wall.max()!)
        for phase in RoundReport.Phase.allCases {
            figures.add("\(phase.rawValue) seconds", median(result.reports.map { $0.seconds[phase] ?? 0 }))
        }
        if let run {
            let writes = try (0..<rounds).map { index in
                try seconds { try WeightsFile.write(result.global, to: run.appending(path: "write-\(index % 2)")) }
            }
            figures.add("writing one model seconds", median(writes))
            figures.add("seconds beside writing", median(wall) - median(writes))
        }
        figures.add("peak MB", peak)
        figures.show(json: json)
    }
}

/// A site whose training changes every value a little.
private struct CopyingLearner: Learner {
    let description: SiteDescription

    func answer(_ question: Data) async throws -> Data { question }
    func describe() async throws -> SiteDescription { description }
    func initialWeights() async throws -> Weights { randomWeights(description.tensors.map(\.tensor), seed: 1) }

    func train(_ task: TrainTask) async throws -> ModelUpdate {
        let change = Float(description.examples) * 1e-6
        let trained = task.model.tensors.map { tensor in
            let storage = TensorStorage(byteCount: tensor.bytes.count) { buffer in
                let old = tensor.bytes.assumingMemoryBound(to: Float.self).baseAddress!
                let new = buffer.baseAddress!.assumingMemoryBound(to: Float.self)
                for i in 0..<tensor.description.count { new[i] = old[i] + change }
            }
            return Weights.Tensor(tensor.description, storage: storage)
        }
        return ModelUpdate(
            .weights, Weights(trained), examples: description.examples, steps: 1, metrics: ["loss": Double(change)])
    }

    func validate(_ task: ValidationTask) async throws -> ValidationResult {
        ValidationResult(examples: description.examples, metrics: ["dice": 0.5])
    }
    func model() async throws -> Weights { try await initialWeights() }
    func finish(_ model: Weights) async throws {}
}

/// The time of every round, from its first task to its last byte on the disk.
private actor Stopwatch: RoundObserver {
    private(set) var rounds: [Double] = []
    private var begin = ContinuousClock.now

    func observe(_ event: RunEvent) {
        switch event {
        case .roundBegins: begin = .now
        case .roundEnds: rounds.append((ContinuousClock.now - begin) / .seconds(1))
        default: break
        }
    }
}
