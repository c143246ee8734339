import Crypto
import Federation
import Fleet
import NNUNet
import Privacy
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
    /// For runs whose updates are summed in secret; nil where the site has no certificate.
    private let secrets: SiteSecrets?
    /// Dataset and fold as the site's people gave them, in place of the run file's.
    private let own: RunFile.Site?
    /// What alone is trained.
    private let choice: TrainingChoice
    /// In place of a server's order, where the server has none to give: a stock SuperLink.
    private let standing: SiteOrder?
    /// Rounds of a run whose server does not say.
    private let rounds: Int?
    private let log: @Sendable (String) -> Void
    /// The one at work: another run's trainer would take its memory.
    private var current: (run: UInt64, participant: Federation.Site, diary: SiteDiary)?

    init(
        _ name: String?, folder: URL, setup: SiteSetup, secrets: SiteSecrets? = nil, own: RunFile.Site? = nil,
        choice: TrainingChoice = TrainingChoice(), standing: SiteOrder? = nil, rounds: Int? = nil,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.name = name
        self.folder = folder
        self.setup = setup
        self.secrets = secrets
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
        let parsed: SiteOrder
        do { parsed = try SiteOrder(parsing: order) } catch { throw FederationError.site("\(error)") }
        if current?.run != run || (try? Data(contentsOf: self.order(run))) != order {
            await current?.diary.reportIsWritten()
            current = nil
            let made = try participant(parsed, run: run)
            let title = try parsed.runFile().name
            try FileManager.default.createDirectory(at: folder(run), withIntermediateDirectories: true)
            try order.write(to: self.order(run), options: .atomic)
            log("run \(run), \(title): asked to take part")
            try await waitForApproval(run)
            current = (run, made.site, made.diary)
            log("run \(run), \(title): takes part")
        }
    }

    func participant(run: UInt64) async throws -> Federation.Site {
        if let current, current.run == run { return current.participant }
        if let standing, try (try? Data(contentsOf: self.order(run))) != standing.data {
            try FileManager.default.createDirectory(at: folder(run), withIntermediateDirectories: true)
            try standing.data.write(to: self.order(run), options: .atomic)
            log("run \(run): asked to take part")
        }
        guard let order = try? Data(contentsOf: order(run)) else {
            throw FederationError.site("The site was not told what run \(run) is about.")
        }
        try await waitForApproval(run)
        await current?.diary.reportIsWritten()
        current = nil
        let made = try participant(SiteOrder(parsing: order), run: run)
        current = (run, made.site, made.diary)
        return made.site
    }

    func rounds(run: UInt64) -> Int? { rounds }

    /// Returns when the reports of the runs stand there.
    func reportsAreWritten() async { await current?.diary.reportIsWritten() }

    /// What is wrong with an order is about the run file, which the server knows; it is told so.
    private func participant(
        _ order: SiteOrder, run: UInt64
    ) throws -> (site: Federation.Site, diary: SiteDiary) {
        do {
            return try makeParticipant(order, run: run)
        } catch let error as StudyError {
            throw FederationError.site("\(error)")
        } catch let error as RunFileError {
            throw FederationError.site("\(error)")
        } catch let error as PrivacyError {
            // It may tell how many records there are.
            log("run \(run): \(error)")
            throw FederationError.site("The site cannot keep the privacy that the run promises; its log says why.")
        } catch let error as NNUNetError {
            log("run \(run): \(error)")
            throw FederationError.site("The site's dataset does not fit the run; its log says why.")
        }
    }

    private func makeParticipant(
        _ order: SiteOrder, run: UInt64
    ) throws -> (site: Federation.Site, diary: SiteDiary) {
        let folders = DatasetFolders(
            raw: setup.data.raw, preprocessed: setup.data.preprocessed,
            results: folder(run).appending(path: "results"))
        var site = try order.makeSite(
            own: own, folders: folders, device: setup.device, threads: setup.threads)
        let file = try order.runFile()
        try choice.check(file)
        site.loaderThreads = setup.loaderThreads
        // The ledgers are the site's, over all runs; a run's folder may go.
        let participation = try SiteParticipation(
            site, in: file, called: "\(run) \(file.name)", rules: setup.rules, ledgers: setup.ledgers ?? ledgers)
        site = participation.site
        if let cost = participation.costText { log("run \(run), \(file.name): \(cost)") }
        let engine = NNUNetEngine()
        var learner = try engine.learner(site)
        if let limit = setup.memoryLimit {
            learner = MemoryLimitedLearner(learner, limit: limit) { MainMemory.used() }
        }
        let name = name ?? order.site
        if case .sum = file.strategy.secureAggregation, secrets == nil {
            throw FederationError.site(
                "\(name) has no certificate to sign with in a secure sum. Let it take part with a kit.")
        }
        if file.strategy.secureAggregation.needsKey, secrets?.ckksKey == nil {
            throw FederationError.site(
                "\(name) has no ckks.key. Put the one that all sites share into its kit's local folder.")
        }
        let strategy = try file.makeStrategy(
            at: .site(name, secrets, run: run, order: order.run, folder: folder(run)))
        let diary = try SiteDiary(learner, of: site, in: file, engine: engine) { [log] in log("run \(run): \($0)") }
        let participant = try participation.participant(
            called: name, learner: try strategy.learner(diary, of: name), filters: strategy.filters)
        return (participant, diary)
    }

    /// Of a site that has no kit.
    private var ledgers: URL { folder.appending(path: SiteSetup.ledgers) }

    /// What a person let in is this order, and no other that comes under the same number.
    private func waitForApproval(_ run: UInt64) async throws {
        guard setup.policy.asksForApproval else { return }
        let approval = Self.approval(run, in: folder)
        let wanted = try Self.fingerprint(of: order(run))
        func isApproved() -> Bool { (try? String(contentsOf: approval, encoding: .utf8)) == wanted }
        if isApproved() { return }
        log("run \(run) waits for a person: look at \(order(run).path), then cohort site approve \(run)")
        while !isApproved() { try await Task.sleep(for: .seconds(1)) }
    }

    /// What an approval holds: SHA-256 of the order.
    static func fingerprint(of order: URL) throws -> String {
        SHA256.hash(data: try Data(contentsOf: order)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
