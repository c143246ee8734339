import Federation
import NNUNet

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A federated run whose sites are elsewhere: what a server does with a run file.
///
/// Written below the output: `run.yaml`, `server/` (journal, models), `metrics.jsonl`, `tensorboard/`, `cross_site.json`,
/// `report.html`; `model.safetensors` where only nodes of Flower's took part.
public struct ServedRun: Sendable {
    public let run: RunFile
    public let output: URL
    private let strategy: Strategy
    private let engine: any StudyEngine

    /// - Parameter place: the server, which knows the sites' signatures where updates are summed in secret.
    /// - Throws: `RunFileError`, `StudyError.setting` where the run needs the cases in one place.
    public init(_ run: RunFile, output: URL, engine: any StudyEngine, at place: StrategyPlace = StrategyPlace()) throws
    {
        try run.check()
        try run.checkMetric()
        try engine.check(run.training)
        func refuse(_ what: String, _ remedy: String) -> StudyError {
            .setting("\(what) needs all cases on one machine, and this run's sites are elsewhere: \(remedy).")
        }
        guard run.split == nil else { throw refuse("split", "name the sites, each with its dataset") }
        guard run.baselines.isEmpty else { throw refuse("baselines", "leave them out, or use cohort simulate") }
        guard run.labels == .asIs else {
            throw refuse("labels: \(run.labels.rawValue)", "let each site run cohort datasets harmonise")
        }
        if let site = run.sites.first(where: { !Self.isSiteName($0.name) }) {
            throw StudyError.setting(
                "A site is called by its certificate's name, up to 64 letters, digits and . _ -, and \(site.name.prefix(64)) is "
                    + "none: name the sites as cohort status lists them.")
        }
        self.run = run
        self.output = output
        self.engine = engine
        if case .sum = run.strategy.secureAggregation, case .none = place.keys {
            throw StudyError.setting(
                "In a secure sum sites sign with their certificates, and there are none here: use a server with a kit, or "
                    + "cohort simulate.")
        }
        var place = place
        place.folder = output.appending(path: "server")
        strategy = try run.makeStrategy(at: place)
    }

    /// Letters and digits of ASCII and `. _ -`, the first one a letter or digit, 1 to 64 of them: no such name leaves its
    /// folder.
    private static func isSiteName(_ name: String) -> Bool {
        let characters = name.unicodeScalars
        func isPlain(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9": true
            default: false
            }
        }
        guard (1...64).contains(characters.count), isPlain(characters.first!) else { return false }
        return characters.allSatisfy { isPlain($0) || "._-".unicodeScalars.contains($0) }
    }

    /// Waits until all sites of the run are there, or, after `strategy.preparation_deadline`, as many as it needs.
    ///
    /// - Parameter present: who is there now.
    /// - Throws: `FederationError.tooFewSites`.
    public func waitForSites(
        print: @Sendable (String) -> Void, present: @Sendable () async -> Set<String>
    ) async throws {
        let wanted = Set(run.sites.map(\.name))
        let end = strategy.preparationDeadline.map { ContinuousClock.now + $0 }
        var said: Set<String> = []
        while true {
            let missing = wanted.subtracting(await present())
            if missing.isEmpty { return }
            let left = end.map { $0 - .now }
            if let left, left <= .zero {
                let there = wanted.subtracting(missing).sorted()
                guard there.count >= strategy.minimumSites else {
                    throw FederationError.tooFewSites(
                        needed: strategy.minimumSites, present: there,
                        reasons: missing.sorted().map { "\($0): it did not join in time" })
                }
                return print("goes on without \(missing.sorted().joined(separator: ", "))")
            }
            if missing != said {
                let time = left.map { ", \(Int(($0 / .seconds(1)).rounded(.up))) s left" } ?? ""
                print(
                    "waiting for \(missing.count) more site\(missing.count == 1 ? "" : "s")\(time): \(missing.sorted().joined(separator: ", "))"
                )
                said = missing
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Runs it, or takes it up where it was left.
    ///
    /// - Parameter link: the way to a site, by its name.
    public func start(
        observers: [any RoundObserver] = [], print: @escaping @Sendable (String) -> Void,
        link: @escaping @Sendable (String) throws -> any SiteLink
    ) async throws {
        let files = FileManager.default
        try files.createDirectory(at: output, withIntermediateDirectories: true)
        let record = output.appending(path: "run.yaml")
        if !files.fileExists(atPath: record.path) {
            try Data(run.yaml().utf8).write(to: record, options: .atomic)
        }
        var federated = FederatedRun(
            title: run.name,
            sites: run.sites.map { site in FederatedRun.Site(name: site.name) { try link(site.name) } },
            of: run, strategy: strategy, fold: (run.sites.first { !$0.isFlowerNode } ?? run.sites[0]).fold,
            output: output, engine: engine)
        federated.observers = observers
        federated.leavesModelsOnDisk = true
        guard run.task == .train else { return try await federated.prepare(print: print) }
        let outcome = try await federated.run(print: print)
        let page = Report.html(records: outcome.records, matrix: outcome.matrix, facts: outcome.facts)
        try Report.write(page, to: output.appending(path: "report.html"))
        if let matrix = outcome.matrix { print(matrix.text()) }
    }
}
