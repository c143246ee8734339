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

    /// Found by `fleet-chaos`: longer than one piece of a body, and longer than one of Flower's chunks.
    @Test func longTensorsPass() async throws {
        let site = SiteDescription(
            name: "a", examples: 1,
            tensors: [300_000, 2_000_000].map { TensorRole(TensorDescription(name: "long.\($0)", shape: [$0])) })
        let folder = try TemporaryFolder()
        let reply = try await LinkBench.serve(identity("keys"), in: folder.url) { bench in
            try await bench.service.open(FleetRun(id: 1))
            return try await bench.withSite(Site(name: "a", learner: ToyLearner(site, target: 1))) {
                try await FleetLink(to: "a", of: bench.service, run: 1).perform(.sendModel)
            }
        }
        guard case .weights(let weights) = reply else { throw FleetError.record("no weights") }
        #expect(weights == toyWeights(site, seed: 7))
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
}
