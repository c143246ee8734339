import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A learner that writes down what its site does in a run: metrics.jsonl as the rounds pass, and at the end the site's own
/// report.html. Both stay at the site.
///
/// It knows what the site was sent and what it answered. Of a round that comes again, the last counts.
public actor SiteDiary: Learner {
    private let learner: any Learner
    private let site: StudySite
    private let engine: any StudyEngine
    private let overlays: Int
    private let print: @Sendable (String) -> Void
    private let privacyFacts: @Sendable (Int?) throws -> [RunFacts.Fact]
    private var facts: RunFacts
    private var records: [RoundRecord]
    /// The report on its way, which nobody at the server waits for.
    private var report: Task<Void, Never>?

    private var file: URL { site.folders.results.appending(path: "metrics.jsonl") }

    /// - Parameter print: gets lines for the site's people.
    public init(
        _ learner: any Learner, of site: StudySite, in run: RunFile, engine: any StudyEngine,
        print: @escaping @Sendable (String) -> Void
    ) throws {
        self.learner = learner
        self.site = site
        self.engine = engine
        self.print = print
        overlays = run.validation.overlays
        privacyFacts = { try run.privacyFacts(values: $0) }
        facts = RunFacts(
            task: run.name, rounds: run.training.rounds, strategy: run.strategy.text,
            sharing: run.sharing.mode.rawValue,
            sites: [], metric: MetricDescription(run.validation.judgement))
        records = try MetricsLog.records(at: site.folders.results.appending(path: "metrics.jsonl"))
    }

    /// Returns when a report that was begun stands there.
    public func reportIsWritten() async { await report?.value }

    public func answer(_ question: Data) async throws -> Data { try await learner.answer(question) }
    public func describe() async throws -> SiteDescription { try await learner.describe() }
    public func initialWeights() async throws -> Weights { try await learner.initialWeights() }
    public func model() async throws -> Weights { try await learner.model() }

    public func train(_ task: TrainTask) async throws -> ModelUpdate {
        let start = ContinuousClock.now
        let update = try await learner.train(task)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let own = SiteRecord(
            name: site.name, examples: update.examples, steps: update.steps, metrics: update.metrics, seconds: seconds,
            bytesReceived: task.model.byteCount, bytesSent: update.tensors.byteCount)
        note(
            RoundRecord(
                round: task.round, stage: task.round > 0 ? "training" : "warm-up", globalMetrics: update.metrics,
                sites: [own], seconds: ["training": seconds], bytesDown: own.bytesReceived, bytesUp: own.bytesSent))
        return update
    }

    public func validate(_ task: ValidationTask) async throws -> ValidationResult {
        let start = ContinuousClock.now
        let result = try await learner.validate(task)
        // The global model of this round on this site's cases.
        if task.owner == .server, var record = records.last, record.round == task.round {
            record.globalMetrics.merge(result.metrics) { _, new in new }
            record.sites[0].metrics.merge(result.metrics) { _, new in new }
            record.seconds["validation"] = (ContinuousClock.now - start) / .seconds(1)
            note(record)
        }
        return result
    }

    public func finish(_ model: Weights) async throws {
        try await learner.finish(model)
        facts.more = try privacyFacts(model.descriptions.reduce(0) { $0 + $1.count })
        report = Task { await writeReport() }
    }

    private func writeReport() async {
        facts.rounds = max(facts.rounds, records.last?.round ?? 0)
        facts.seconds = records.map(\.totalSeconds).reduce(0, +)
        // Where a number is stated in place of the cases', the records have that.
        facts.sites =
            records.last.map {
                [RunFacts.Site(site.name, cases: site.statedExamples == nil ? $0.sites[0].examples : nil)]
            } ?? []
        do {
            let fault = try await site.write(
                SiteReport(of: site.name, records: records, facts: facts), showing: overlays, engine: engine)
            if let fault { print("the report has no pictures: \(fault)") }
            print("report: \(site.folders.results.appending(path: "report.html").path)")
        } catch {
            print("the run is over, but its report cannot be written: \(error)")
        }
    }

    /// Takes a record in, in place of those of its round and of later ones. One that cannot be written ends no run.
    private func note(_ record: RoundRecord) {
        records.removeAll { $0.round >= record.round }
        let earlier = records.filter { $0.round > 0 }.map { $0.globalMetrics[facts.metric.name] ?? .nan }
        var record = record
        let own = record.globalMetrics[facts.metric.name] ?? .nan
        record.isBest = record.round > 0 && own.isFinite && facts.metric.best(earlier + [own]) == earlier.count
        records.append(record)
        do {
            try FileManager.default.createDirectory(at: site.folders.results, withIntermediateDirectories: true)
            try MetricsLog(file, redoingFrom: record.round).append(record)
        } catch {
            print("the run goes on, but its record cannot be written: \(error)")
        }
    }
}
