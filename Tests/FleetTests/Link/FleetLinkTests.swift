import Federation
import FederationTesting
import Fleet
import Foundation
import Testing

@Suite struct FleetLinkTests {
    static let identities = ["certificates", "keys"]

    private func identity(_ name: String) throws -> LinkBench.Identity {
        name == "keys" ? .keys : .certificates(try TestAuthority())
    }

    @Test(arguments: identities, [false, true])
    func itIsAWayToASite(identity: String, packs: Bool) async throws {
        try await SiteLinkSuite { name, learner, filters, body in
            let folder = try TemporaryFolder()
            try await LinkBench.serve(self.identity(identity), in: folder.url) { bench in
                try await bench.service.open(FleetRun(id: 7))
                try await bench.withSite(Site(name: name, learner: learner, filters: filters)) {
                    try await body(FleetLink(to: name, of: bench.service, run: 7, packs: packs))
                }
            }
        }.run()
    }

    private func learners() -> [ToyLearner] {
        [("a", 1, 5), ("b", 2, 10), ("c", 4, 20)].map { name, target, examples in
            ToyLearner(toySite(name, examples: examples), target: Float(target))
        }
    }

    @Test func aRunOverTheNetworkEndsWithTheBitsOfOneInProcess() async throws {
        let strategy = Strategy()
        let inProcess = try Coordinator(RunSettings(rounds: 3), strategy: strategy)
        for learner in learners() {
            try await inProcess.join(InProcessLink(Site(name: learner.site.name, learner: learner)))
        }
        let expected = try await inProcess.run()

        let folder = try TemporaryFolder()
        let result = try await LinkBench.serve(identity("certificates"), in: folder.url) { [url = folder.url] bench in
            try await bench.service.open(FleetRun(id: 1))
            let sites = zip(["a", "b", "c"], self.learners()).map { Site(name: $0, learner: $1) }
            return try await bench.withSite(sites[0]) {
                try await bench.withSite(sites[1]) {
                    try await bench.withSite(sites[2]) {
                        let coordinator = try Coordinator(
                            RunSettings(rounds: 3), strategy: strategy,
                            folder: try RunFolder(url.appending(path: "run"), leavesModelsOnDisk: true))
                        for site in sites {
                            try await coordinator.join(FleetLink(to: site.name, of: bench.service, run: 1))
                        }
                        return try await coordinator.run()
                    }
                }
            }
        }
        #expect(result.global == expected.global)
        #expect(result.best == expected.best)
        #expect(result.reports.map(\.validation) == expected.reports.map(\.validation))
        // Nothing is left at a site but what left it.
        let log = try String(contentsOf: folder.url.appending(path: "a/egress.jsonl"), encoding: .utf8)
        let kinds = try log.split(separator: "\n").map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])["kind"] as? String
        }
        #expect(kinds.filter { $0 == "train" }.count == 3 && kinds.filter { $0 == "evaluate" }.count == 3)
    }

    /// Longer than a chunk, and than one reading of a chunk that goes out.
    @Test(arguments: identities, [false, true])
    func largeTensorsArriveWhole(identity: String, packs: Bool) async throws {
        let folder = try TemporaryFolder()
        let model = Weights([tensor("large", [1_500_001], seed: 1), tensor("small", [3], seed: 2)])
        try await LinkBench.serve(self.identity(identity), in: folder.url) { bench in
            try await bench.service.open(FleetRun(id: 7))
            try await bench.withSite(Site(name: "a", learner: Echo())) {
                let link = FleetLink(to: "a", of: bench.service, run: 7, packs: packs)
                let task = TrainTask(round: 1, rounds: 1, model: model)
                guard case .update(let update) = try await link.perform(.train(task)) else {
                    Issue.record("another kind of reply")
                    return
                }
                #expect(try update.tensors.weights() == model)
            }
        }
    }
}

/// Sends back what it is sent.
private struct Echo: Learner {
    func answer(_ question: Data) async throws -> Data { question }
    func describe() async throws -> SiteDescription { SiteDescription(name: "", examples: 1) }
    func initialWeights() async throws -> Weights { Weights() }
    func train(_ task: TrainTask) async throws -> ModelUpdate {
        ModelUpdate(.weights, task.model, examples: 1, steps: 1)
    }
    func validate(_ task: ValidationTask) async throws -> ValidationResult {
        ValidationResult(examples: 1, metrics: [:])
    }
    func model() async throws -> Weights { Weights() }
    func finish(_ model: Weights) async throws {}
}
