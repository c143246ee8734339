import Federation
import FederationTesting
import Fleet
import Foundation
import Synchronization
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

    /// The model that was judged is the one that is trained next.
    @Test func aModelGoesToASiteOnce() async throws {
        let folder = try TemporaryFolder()
        // Tensors that take a file each. By name, the file that it is.
        let site = toySite("a", levels: 1, channels: 2000, labels: 2000)
        let chunks: @Sendable () -> [String: UInt64] = { [url = folder.url] in
            let all = FileManager.default.enumerator(
                at: url.appending(path: "a/objects"), includingPropertiesForKeys: nil)
            var files: [String: UInt64] = [:]
            while let file = all?.nextObject() as? URL {
                guard (try? Data(contentsOf: file))?.starts(with: Data("ArrayChunk ".utf8)) == true else { continue }
                files[file.lastPathComponent] =
                    (try? FileManager.default.attributesOfItem(atPath: file.path)[.systemFileNumber]) as? UInt64
            }
            return files
        }
        try await LinkBench.serve(identity("keys"), in: folder.url) { bench in
            try await bench.service.open(FleetRun(id: 1))
            try await bench.withSite(Site(name: "a", learner: ToyLearner(site, target: 1))) {
                let link = FleetLink(to: "a", of: bench.service, run: 1)
                let model = toyWeights(site, seed: 3)
                _ = try await link.perform(.validate(ValidationTask(round: 1, model: model)))
                let judged = chunks()
                #expect(judged.count == 2)
                _ = try await link.perform(.train(TrainTask(round: 2, rounds: 3, model: model)))
                let now = chunks()
                #expect(judged.allSatisfy { now[$0.key] == $0.value })
                // Another model takes its place.
                _ = try await link.perform(.validate(ValidationTask(round: 2, model: toyWeights(site, seed: 4))))
                _ = try await link.perform(.describe)
                _ = try await link.perform(.initialWeights([]))
                #expect(Set(judged.keys).isDisjoint(with: chunks().keys))
            }
        }
    }

    /// It is not the site's failure, and nothing is lost: the task waits until there is room at both ends.
    @Test(.enabled(if: getuid() == 0 && SmallDisk.canMount, "only where a small disk can be mounted"))
    func aFullDiskIsWaitedFor() async throws {
        let disk = try SmallDisk()
        let said = Mutex<[String]>([])
        let ballast = disk.url.appending(path: "ballast")
        try await LinkBench.serve(identity("keys"), in: disk.url) { bench in
            try await bench.service.open(FleetRun(id: 1))
            try await bench.withSite(Site(name: "a", learner: Echo())) {
                let link = FleetLink(to: "a", of: bench.service, run: 1) { line in said.withLock { $0.append(line) } }
                _ = try await link.perform(.describe)
                let file = open(ballast.path, O_WRONLY | O_CREAT, 0o600)
                let block = [UInt8](repeating: 0, count: 4096)
                while write(file, block, block.count) > 0 {}
                close(file)
                // Larger than what both ends let go of meanwhile.
                let model = Weights([tensor("w", [50_000], seed: 3)])
                async let judged = link.perform(.validate(ValidationTask(round: 1, model: model)))
                for _ in 0..<500 where said.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(10)) }
                let line = said.withLock { $0.joined(separator: "\n") }
                #expect(line.contains("is full") && line.contains("task of a waits") && !line.contains("\n"))
                unlink(ballast.path)
                guard case .validation = try await judged else {
                    Issue.record("another kind of reply")
                    return
                }
                let messages = bench.folder.appending(path: "server/messages")
                // Of what failed nothing is left: the two messages and the replies to them.
                #expect(try FileManager.default.contentsOfDirectory(atPath: messages.path).count == 4)
            }
        }
    }

    /// The server hears of it, and the site goes on.
    @Test func aReplyThatIsTooLargeIsAFailure() async throws {
        let folder = try TemporaryFolder()
        try await LinkBench.serve(identity("keys"), in: folder.url, largestMessage: 50_000) { bench in
            try await bench.service.open(FleetRun(id: 1))
            try await bench.withSite(Site(name: "a", learner: Echo())) {
                let link = FleetLink(to: "a", of: bench.service, run: 1)
                let model = Weights((1...20).map { tensor("w\($0)", [1000], seed: $0) })
                await #expect(throws: FederationError.site("The site's reply is larger than the server takes.")) {
                    _ = try await link.perform(.train(TrainTask(round: 1, rounds: 2, model: model)))
                }
                _ = try await link.perform(.describe)
            }
        }
    }

    /// What is longer than the site takes is refused before all of it has come, and leaves nothing at the site.
    @Test func aTaskThatIsTooLargeIsRefusedAsItComes() async throws {
        let folder = try TemporaryFolder()
        var settings = FleetSite.Settings()
        settings.largestMessage = 500_000
        try await LinkBench.serve(identity("keys"), in: folder.url) { [settings, url = folder.url] bench in
            try await bench.service.open(FleetRun(id: 1))
            try await bench.withSite(Site(name: "a", learner: Echo()), settings: settings) {
                let link = FleetLink(to: "a", of: bench.service, run: 1)
                func validate(_ tensors: Int) async throws {
                    let model = Weights((1...tensors).map { tensor("w\($0)", [20_000], seed: $0) })
                    _ = try await link.perform(.validate(ValidationTask(round: tensors, model: model)))
                }
                try await validate(3)
                await #expect {
                    try await validate(60)
                } throws: {
                    "\($0)".contains("policy refuses: the message is larger than the 500000 bytes")
                }
                let objects = try ObjectStore(url.appending(path: "a/objects")).all()
                #expect(objects.count < 30)  // those of the message that it answered last
                try await validate(2)
            }
        }
    }

    /// A run that is stopped stops its sites' work too, and they are free for the next.
    @Test func aSiteGivesUpTheWorkOfARunThatHasEnded() async throws {
        let folder = try TemporaryFolder()
        var settings = FleetSite.Settings()
        settings.watch = .milliseconds(50)
        try await LinkBench.serve(identity("keys"), in: folder.url) { [settings] bench in
            try await bench.service.open(FleetRun(id: 1))
            try await bench.service.open(FleetRun(id: 2))
            let learner = Sleeper()
            try await bench.withSite(Site(name: "a", learner: learner), settings: settings) {
                let first = FleetLink(to: "a", of: bench.service, run: 1)
                let trained = Task { try await first.perform(.train(TrainTask(round: 1, rounds: 2, model: Weights()))) }
                for _ in 0..<1000 where learner.state == .idle { try await Task.sleep(for: .milliseconds(10)) }
                #expect(learner.state == .sleeping)
                try await Task.sleep(for: .milliseconds(300))
                #expect(learner.state == .sleeping)  // as long as the run goes on
                try await bench.service.close(1)
                await #expect(throws: FleetError.self) { _ = try await trained.value }
                _ = try await FleetLink(to: "a", of: bench.service, run: 2).perform(.describe)
                #expect(learner.state == .givenUp)
            }
        }
    }

    @Test func whatTheServerHearsOfAFailureNamesNoFile() async throws {
        let folder = try TemporaryFolder()
        let task = SiteTask.validate(ValidationTask(round: 1, model: Weights()))
        for (name, error, told) in [
            ("a", FederationError.file("/data/patient_7.nii.gz", reason: "cannot be read"), nil),
            ("b", FederationError.fullDisk("/data/patient_7.nii.gz"), nil),
            ("c", FederationError.site(String(repeating: "long ", count: 1000)), 1000),
        ] as [(String, FederationError, Int?)] {
            try await LinkBench.serve(identity("keys"), in: folder.url.appending(path: name)) { bench in
                try await bench.service.open(FleetRun(id: 1))
                try await bench.withSite(Site(name: name, learner: Echo(failure: error))) {
                    let link = FleetLink(to: name, of: bench.service, run: 1)
                    await #expect {
                        _ = try await link.perform(task)
                    } throws: { error in
                        told.map { "\(error)".count == $0 }
                            ?? ("\(error)" == "The site could not take part; its log says why.")
                    }
                }
            }
        }
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
        // Also what is no reply: each of its own, or summed up, the last time at the end.
        #expect(kinds.contains("register-node") && kinds.contains("activate-node") && kinds.last == "calls")
    }

    /// A server that was started again finds a reply that it has, but not one that was sealed for another sum.
    @Test func aReplyOfAnotherSessionIsNotFound() async throws {
        let folder = try TemporaryFolder()
        try await LinkBench.serve(identity("keys"), in: folder.url) { bench in
            try await bench.service.open(FleetRun(id: 1))
            let learner = Counter()
            try await bench.withSite(Site(name: "a", learner: learner)) { () async throws in
                /// A link knows nothing of what another asked.
                func train(_ session: Data?) async throws -> Double? {
                    let link = FleetLink(to: "a", of: bench.service, run: 1)
                    let task = TrainTask(
                        round: 1, rounds: 2, model: Weights([tensor("w", [9], seed: 3)]), session: session)
                    guard case .update(let update) = try await link.perform(.train(task)) else { return nil }
                    return update.metrics["count"]
                }
                #expect(try await train(nil) == 1)
                #expect(try await train(nil) == 1)
                #expect(try await train(Data([1])) == 2)
                #expect(try await train(Data([1])) == 2)
                #expect(try await train(Data([2])) == 3)
                #expect(try await train(nil) == 1)
            }
        }
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

/// Tells how often it was trained.
private actor Counter: Learner {
    private var count = 0.0

    func answer(_ question: Data) async throws -> Data { question }
    func describe() async throws -> SiteDescription { SiteDescription(name: "", examples: 1) }
    func initialWeights() async throws -> Weights { Weights() }
    func train(_ task: TrainTask) async throws -> ModelUpdate {
        count += 1
        return ModelUpdate(.weights, task.model, examples: 1, steps: 1, metrics: ["count": count])
    }
    func validate(_ task: ValidationTask) async throws -> ValidationResult { throw CancellationError() }
    func model() async throws -> Weights { Weights() }
    func finish(_ model: Weights) async throws {}
}

/// Sends back what it is sent.
private struct Echo: Learner {
    var failure: FederationError?

    func answer(_ question: Data) async throws -> Data { question }
    func describe() async throws -> SiteDescription { SiteDescription(name: "", examples: 1) }
    func initialWeights() async throws -> Weights { Weights() }
    func train(_ task: TrainTask) async throws -> ModelUpdate {
        ModelUpdate(.weights, task.model, examples: 1, steps: 1)
    }
    func validate(_ task: ValidationTask) async throws -> ValidationResult {
        if let failure { throw failure }
        return ValidationResult(examples: 1, metrics: [:])
    }
    func model() async throws -> Weights { Weights() }
    func finish(_ model: Weights) async throws {}
}

/// Trains until it is given up.
private final class Sleeper: Learner {
    enum State { case idle, sleeping, givenUp }
    private let content = Mutex(State.idle)
    var state: State { content.withLock { $0 } }

    func answer(_ question: Data) async throws -> Data { question }
    func describe() async throws -> SiteDescription { SiteDescription(name: "", examples: 1) }
    func initialWeights() async throws -> Weights { Weights() }
    func train(_ task: TrainTask) async throws -> ModelUpdate {
        content.withLock { $0 = .sleeping }
        do { try await Task.sleep(for: .seconds(600)) } catch {
            content.withLock { $0 = .givenUp }
            throw error
        }
        return ModelUpdate(.weights, task.model, examples: 1, steps: 1)
    }
    func validate(_ task: ValidationTask) async throws -> ValidationResult {
        ValidationResult(examples: 1, metrics: [:])
    }
    func model() async throws -> Weights { Weights() }
    func finish(_ model: Weights) async throws {}
}
