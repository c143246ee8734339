import Federation
import FederationTesting
import Fleet
import Foundation
import Testing

@Suite struct FlowerNodeLinkTests {
    /// A node of Flower's name on the wire: one with a key. It trains, and is asked nothing else.
    private func withNode(
        _ body: @escaping @Sendable (FlowerNodeLink, Weights, ToyLearner, LinkBench) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let site = toySite("a", examples: 12)
        let learner = ToyLearner(site, target: 2)
        let initial = toyWeights(site, seed: 3)
        try await LinkBench.serve(.keys, in: folder.url) { bench in
            try await bench.service.open(FleetRun(id: 7))
            try await bench.withSite(Site(name: "a", learner: learner)) {
                try await body(
                    FlowerNodeLink(to: "a", of: bench.service, run: 7, beginning: .weights(initial)), initial, learner,
                    bench)
            }
        }
    }

    @Test func itSpeaksForANodeThatCannot() async throws {
        try await withNode { link, initial, _, _ in
            guard case .description(let description) = try await link.perform(.describe) else { return wrong() }
            #expect(description.name == "a" && description.tensors.map(\.tensor) == initial.descriptions)
            #expect(description.tensors.allSatisfy { $0.part == .backbone })
            guard case .weights(let first) = try await link.perform(.initialWeights(["head.weight"])) else {
                return wrong()
            }
            #expect(first == initial.keeping { $0 == "head.weight" })
            guard case .done = try await link.perform(.finish(initial)) else { return wrong() }
        }
    }

    @Test func trainingAndValidationAreTheNodes() async throws {
        try await withNode { link, initial, learner, _ in
            guard
                case .update(let update) = try await link.perform(
                    .train(TrainTask(round: 1, rounds: 2, model: initial)))
            else { return wrong() }
            #expect(update.examples == 12 && update.tensors.descriptions == initial.descriptions)
            let task = ValidationTask(round: 1, model: initial)
            guard case .validation(let result) = try await link.perform(.validate(task)) else { return wrong() }
            #expect(result == (try await learner.validate(task)))
        }
    }

    @Test func whatANodeCannotDoIsRefused() async throws {
        try await withNode { link, initial, _, _ in
            let frozen = TrainTask(
                round: 0, rounds: 2, warmUpRounds: 1, model: initial, frozen: [initial.names[0]])
            for task in [SiteTask.answer(Question(Data())), .sendModel, .train(frozen)] {
                await #expect {
                    try await link.perform(task)
                } throws: { "\($0)".contains("a is a node of Flower's") }
            }
        }
    }

    /// Beside a site of Cohort's, the node trains that site's network, and begins with its weights.
    @Test func aSiteOfCohortsGivesTheModel() async throws {
        try await withNode { link, _, _, bench in
            let other = toySite("hospital", examples: 99)
            let learner = ToyLearner(other, target: 1)
            let first = InProcessLink(Site(name: "hospital", learner: learner))
            let link = FlowerNodeLink(to: link.site, of: bench.service, run: 7, beginning: .site(first))
            guard case .description(let own) = try await link.perform(.describe),
                case .description(let its) = try await first.perform(.describe),
                case .weights(let begun) = try await link.perform(.initialWeights(["head.weight"])),
                case .weights(let given) = try await first.perform(.initialWeights(["head.weight"]))
            else { return wrong() }
            // Its cases are its own, and known with its first update.
            #expect(own.name == "a" && own.examples == 1 && its.examples == 99)
            #expect(own.tensors == its.tensors && own.kind == its.kind && begun == given)
        }
    }

    @Test func itIsThereWhenItsNodeIs() async throws {
        let folder = try TemporaryFolder()
        try await LinkBench.serve(.keys, in: folder.url) { bench in
            try await bench.service.open(FleetRun(id: 7))
            let link = FlowerNodeLink(to: "a", of: bench.service, run: 7, beginning: .weights(Weights()))
            // Registered is not there.
            let (client, connection) = try await bench.client("a")
            let isDescribed = TestServer.Log<Bool>()
            let describing = Task {
                _ = try await link.perform(.describe)
                isDescribed.append(true)
            }
            try await Task.sleep(for: .milliseconds(300))
            #expect(await bench.service.nodes.map(\.status) == [.registered] && isDescribed.all.isEmpty)
            _ = try await client.activate(heartbeat: 30)
            try await describing.value
            try await connection.close()
        }
    }

    /// Flower's strategies average replies only where all of them have metrics of the same names; what only Cohort
    /// knows must not be among them.
    @Test func metricsAreTheFiguresAndTheExamples() async throws {
        try await withNode { _, initial, _, bench in
            let node = try #require(await bench.service.nodes.first)
            let question = FleetService.Question(key: "k", runID: 7, type: "train")
            let id = try await bench.service.send(question, to: node.id) {
                ["arrays": .arrays(ArrayRecord(initial)), "config": .config(["cohort-rounds": .int(1)])]
            }
            let reply = try await bench.service.reply(to: id).records()
            guard case .metrics(let metrics)? = reply["metrics"] else { return wrong() }
            #expect(Set(metrics.names) == ["num-examples", "loss"])
        }
    }
}

private func wrong() { Issue.record("another kind of reply") }
