import Federation
import Fleet
import NNUNet
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The runs that a site takes part in: what each is about, whether the site's policy and its people let it in, and its
/// learner, which stays warm. Each has a folder, `runs/1` for the server's run 1.
actor RunHost: SiteHost {
    /// The site's, by its certificate; nil for what the server calls it.
    private let name: String?
    private let folder: URL
    private let setup: SiteSetup
    /// Dataset and fold as the site's people gave them, in place of the run file's.
    private let own: RunFile.Site?
    /// What alone is trained.
    private let choice: TrainingChoice
    /// In place of a server's order, where the server has none to give: a stock SuperLink.
    private let standing: SiteOrder?
    /// Rounds of a run whose server does not say.
    private let rounds: Int?
    private let log: @Sendable (String) -> Void
    private var participants: [UInt64: Federation.Site] = [:]

    init(
        _ name: String?, folder: URL, setup: SiteSetup, own: RunFile.Site? = nil,
        choice: TrainingChoice = TrainingChoice(), standing: SiteOrder? = nil, rounds: Int? = nil,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.name = name
        self.folder = folder
        self.setup = setup
        self.own = own
        self.choice = choice
        self.standing = standing
        self.rounds = rounds
        self.log = log
    }

    private func folder(_ run: UInt64) -> URL { folder.appending(path: "runs").appending(path: "\(run)") }
    private func order(_ run: UInt64) -> URL { folder(run).appending(path: "order.json") }
    static func approval(_ run: UInt64, in folder: URL) -> URL {
        folder.appending(path: "runs").appending(path: "\(run)").appending(path: "approved")
    }

    func begin(run: UInt64, order: Data) async throws {
        guard standing == nil else {
            throw FederationError.site("What this site trains, its own people have said. Leave query.begin out.")
        }
        let parsed = try SiteOrder(parsing: order)
        if participants[run] == nil || (try? Data(contentsOf: self.order(run))) != order {
            let participant = try participant(parsed, run: run)
            let title = try parsed.runFile().name
            try FileManager.default.createDirectory(at: folder(run), withIntermediateDirectories: true)
            try order.write(to: self.order(run), options: .atomic)
            log("run \(run), \(title): asked to take part")
            try await waitForApproval(run)
            participants[run] = participant
            log("run \(run), \(title): takes part")
        }
    }

    func participant(run: UInt64) async throws -> Federation.Site {
        if let participant = participants[run] { return participant }
        if let standing, try (try? Data(contentsOf: self.order(run))) != standing.data {
            try FileManager.default.createDirectory(at: folder(run), withIntermediateDirectories: true)
            try standing.data.write(to: self.order(run), options: .atomic)
            log("run \(run): asked to take part")
        }
        guard let order = try? Data(contentsOf: order(run)) else {
            throw FederationError.site("The site was not told what run \(run) is about.")
        }
        try await waitForApproval(run)
        let participant = try participant(SiteOrder(parsing: order), run: run)
        participants[run] = participant
        return participant
    }

    func rounds(run: UInt64) -> Int? { rounds }

    private func participant(_ order: SiteOrder, run: UInt64) throws -> Federation.Site {
        let folders = DatasetFolders(
            raw: setup.data.raw, preprocessed: setup.data.preprocessed,
            results: folder(run).appending(path: "results"))
        var site = try order.makeSite(
            own: own, folders: folders, device: setup.device, threads: setup.threads, policy: setup.policy)
        let file = try order.runFile()
        try choice.check(file)
        site.loaderThreads = setup.loaderThreads
        let engine = NNUNetEngine()
        var learner = try engine.learner(site)
        if let limit = setup.memoryLimit {
            learner = MemoryLimitedLearner(learner, limit: limit) { MainMemory.used() }
        }
        return Federation.Site(
            name: name ?? order.site,
            learner: try SiteDiary(learner, of: site, in: file, engine: engine) { [log] in log("run \(run): \($0)") },
            filters: try file.makeStrategy().filters, policy: setup.policy)
    }

    private func waitForApproval(_ run: UInt64) async throws {
        guard setup.policy.asksForApproval else { return }
        let approval = Self.approval(run, in: folder)
        if FileManager.default.fileExists(atPath: approval.path) { return }
        log("run \(run) waits for a person: look at \(order(run).path), then cohort site approve \(run)")
        while !FileManager.default.fileExists(atPath: approval.path) { try await Task.sleep(for: .seconds(1)) }
    }
}
