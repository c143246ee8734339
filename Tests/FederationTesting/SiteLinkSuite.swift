import Federation
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What every way to a site must do, in process or over a network.
package struct SiteLinkSuite {
    /// Makes a way to a site with this learner and these filters; whatever it needs lives as long as `body` runs.
    package typealias Connect =
        @Sendable (
            _ site: String, _ learner: any Learner, _ filters: [any UpdateFilter],
            _ body: @escaping @Sendable (any SiteLink) async throws -> Void
        ) async throws -> Void

    let connect: Connect

    package init(_ connect: @escaping Connect) { self.connect = connect }

    /// All of it, one thing after the other.
    package func run() async throws {
        try await tasksGetTheirReplies()
        try await everyBitArrives()
        try await failuresArriveAsText()
        try await tasksComeOneByOne()
        try await cancellingReturnsAtOnce()
        try await filtersWorkAtTheSite()
    }

    func tasksGetTheirReplies() async throws {
        let learner = ToyLearner(toySite("a", examples: 12, modality: "CT"), target: 2)
        try await connect("a", learner, []) { link in
            #expect(link.site == "a")
            guard case .answer(let answer) = try await link.perform(.answer(Question(Data("who? ".utf8)))) else {
                return wrong()
            }
            #expect(String(decoding: answer, as: UTF8.self) == "who? a:12")
            guard case .description(let description) = try await link.perform(.describe) else { return wrong() }
            #expect(description == learner.site)
            let names = ["head.weight", "encoder.1.norm"]
            guard case .weights(let first) = try await link.perform(.initialWeights(names)) else { return wrong() }
            let whole = toyWeights(learner.site, seed: 7)
            #expect(first == whole.keeping { names.contains($0) })
            let task = TrainTask(
                round: 1, rounds: 3, localEpochs: 2, model: whole.keeping { $0.hasPrefix("encoder") },
                content: .difference, proximalTerm: 0.25, frozen: ["encoder.1.norm"])
            guard case .update(let update) = try await link.perform(.train(task)) else { return wrong() }
            #expect(update.content == .difference && update.examples == 12 && update.steps == 5)
            #expect(update.metrics == ["loss": 1])
            let sent = try update.tensors.weights()
            #expect(sent.names == task.model.names)
            #expect(sent["encoder.1.norm"]?.floats?.allSatisfy { $0 == 0 } == true)
            #expect(sent["encoder.1.weight"]?.floats?.contains { $0 != 0 } == true)
            for owner in [ValidationTask.Owner.server, .modality("CT"), .site("b")] {
                let judged = ValidationTask(round: 1, model: task.model, owner: owner)
                guard case .validation(let result) = try await link.perform(.validate(judged)) else { return wrong() }
                #expect(result == (try await learner.validate(judged)))
            }
            guard case .weights(let own) = try await link.perform(.sendModel) else { return wrong() }
            #expect(own == (try await learner.model()))
            guard case .done = try await link.perform(.finish(task.model)) else { return wrong() }
            #expect(await learner.finished == task.model)
        }
    }

    /// Every type, the odd shapes, and figures that are no numbers.
    func everyBitArrives() async throws {
        let floats = Weights([
            tensor("matrix", [300, 41], seed: 1), tensor("a name with spaces / ü", [1], seed: 2),
            tensor("scalar", [], seed: 3), tensor("empty", [0, 4], seed: 4), tensor("large", [1_500_000], seed: 5),
        ])
        var model = floats
        for type in [ScalarType.float64, .float16, .bfloat16, .int64, .int32, .uint8, .bool] {
            let storage = TensorStorage(byteCount: 6 * type.byteCount) { buffer in
                for i in buffer.indices { buffer[i] = type == .bool ? UInt8(i % 2) : UInt8(i % 100) }
            }
            model.set(
                Weights.Tensor(
                    TensorDescription(name: type.rawValue, shape: [2, 3], type: type), storage: storage))
        }
        try await connect("mirror", MirrorLearner(), []) { [model] link in
            let task = TrainTask(round: 4, rounds: 9, warmUpRounds: 2, model: model, session: Data([0, 7, 255]))
            guard case .update(let update) = try await link.perform(.train(task)) else { return wrong() }
            #expect(try update.tensors.weights() == model)
            #expect(update.tensors.byteCount == model.byteCount)
            #expect(update.metrics["nan"]?.isNaN == true && update.metrics["inf"] == .infinity)
            #expect(update.metrics["round"] == 4 && update.metrics["rounds"] == 9 && update.metrics["warm"] == 2)
            #expect(update.metrics["third"] == 1.0 / 3)
            #expect(update.metrics["session"] == 262)
            // Who was sent no session has none.
            let old = TrainTask(round: 5, rounds: 9, model: model)
            guard case .update(let update) = try await link.perform(.train(old)) else { return wrong() }
            #expect(update.metrics["session"] == -1)
        }
    }

    func failuresArriveAsText() async throws {
        let learner = ToyLearner(toySite("a"), target: 1, faults: [1: .broken, -2: .broken])
        try await connect("a", learner, []) { link in
            let model = toyWeights(toySite("a"), seed: 7)
            for task in [SiteTask.train(TrainTask(round: 1, rounds: 2, model: model)), .answer(Question(Data()))] {
                await #expect {
                    _ = try await link.perform(task)
                } throws: { error in
                    "\(error)" == "the toy is broken"
                }
            }
            guard case .update = try await link.perform(.train(TrainTask(round: 2, rounds: 2, model: model))) else {
                return wrong()
            }
        }
    }

    func tasksComeOneByOne() async throws {
        let learner = MirrorLearner()
        try await connect("mirror", learner, []) { link in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for round in 1...4 {
                    group.addTask {
                        let model = Weights([tensor("x", [3], seed: round)])
                        let reply = try await link.perform(.train(TrainTask(round: round, rounds: 4, model: model)))
                        guard case .update(let update) = reply else { return wrong() }
                        #expect(try update.tensors.weights() == model)
                    }
                }
                try await group.waitForAll()
            }
            #expect(await learner.mostAtOnce == 1)
        }
    }

    func cancellingReturnsAtOnce() async throws {
        let learner = GatedLearner()
        try await connect("a", learner, []) { link in
            let model = Weights([tensor("x", [3], seed: 1)])
            let work = Task { try await link.perform(.train(TrainTask(round: 1, rounds: 2, model: model))) }
            await learner.isReached()
            work.cancel()
            // Returns although the learner, which takes no notice, has not.
            await #expect(throws: (any Error).self) { try await work.value }
            await learner.open()
            guard case .update = try await link.perform(.train(TrainTask(round: 2, rounds: 2, model: model))) else {
                return wrong()
            }
        }
    }

    func filtersWorkAtTheSite() async throws {
        let learner = MirrorLearner()
        try await connect("mirror", learner, [HalfPrecision()]) { link in
            let model = Weights([tensor("x", [1000], seed: 1)])
            let reply = try await link.perform(.train(TrainTask(round: 1, rounds: 1, model: model)))
            guard case .update(let update) = reply else { return wrong() }
            #expect(update.tensors.byteCount == 2000)
            await #expect(throws: (any Error).self) {
                _ = try await link.perform(.answer(Question(to: .filter("nobody"), Data())))
            }
        }
    }
}

private func wrong() { Issue.record("another kind of reply came") }

/// Sends back what it is sent, with what the task says as figures.
package actor MirrorLearner: Learner {
    package private(set) var mostAtOnce = 0
    private var now = 0

    package init() {}

    package func answer(_ question: Data) async throws -> Data { question }
    package func describe() async throws -> SiteDescription { SiteDescription(name: "", examples: 1) }
    package func initialWeights() async throws -> Weights { Weights() }
    package func train(_ task: TrainTask) async throws -> ModelUpdate {
        now += 1
        mostAtOnce = max(mostAtOnce, now)
        try await Task.sleep(for: .milliseconds(20))
        now -= 1
        return ModelUpdate(
            task.content, task.model, examples: 3, steps: 1,
            metrics: [
                "nan": .nan, "inf": .infinity, "round": Double(task.round), "rounds": Double(task.rounds),
                "warm": Double(task.warmUpRounds), "third": 1.0 / 3,
                "session": task.session.map { $0.reduce(0) { $0 + Double($1) } } ?? -1,
            ])
    }
    package func validate(_ task: ValidationTask) async throws -> ValidationResult {
        ValidationResult(examples: 1, metrics: [:])
    }
    package func model() async throws -> Weights { Weights() }
    package func finish(_ model: Weights) async throws {}
}

/// Stays in its training, cancelled or not, until it is let go.
private actor GatedLearner: Learner {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var watchers: [CheckedContinuation<Void, Never>] = []

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }

    /// Returns when a training has begun.
    func isReached() async {
        if waiting.isEmpty { await withCheckedContinuation { watchers.append($0) } }
    }

    func train(_ task: TrainTask) async throws -> ModelUpdate {
        if !isOpen {
            await withCheckedContinuation { continuation in
                waiting.append(continuation)
                for watcher in watchers { watcher.resume() }
                watchers = []
            }
        }
        return ModelUpdate(task.content, task.model, examples: 1, steps: 1)
    }

    func answer(_ question: Data) async throws -> Data { question }
    func describe() async throws -> SiteDescription { SiteDescription(name: "", examples: 1) }
    func initialWeights() async throws -> Weights { Weights() }
    func validate(_ task: ValidationTask) async throws -> ValidationResult {
        ValidationResult(examples: 1, metrics: [:])
    }
    func model() async throws -> Weights { Weights() }
    func finish(_ model: Weights) async throws {}
}
