import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes down what a run tells: a line on the terminal, metrics.jsonl, TensorBoard.
public actor RunRecorder: RoundObserver {
    public nonisolated let folder: URL
    private let rounds: Int
    private let metric: MetricDescription
    private let print: @Sendable (String) -> Void
    private var metrics: MetricsLog?
    private var board: TensorBoardWriter?
    public private(set) var records: [RoundRecord] = []
    private var lastWait = ""

    /// - Parameters:
    ///   - folder: where `metrics.jsonl` and `tensorboard/` stand.
    ///   - print: gets the lines for people.
    public init(
        folder: URL, rounds: Int, metric: MetricDescription = .dice, print: @escaping @Sendable (String) -> Void
    ) {
        self.folder = folder
        self.rounds = rounds
        self.metric = metric
        self.print = print
    }

    /// Opens the files; records of rounds from `round` on are redone.
    private func open(redoingFrom round: Int) throws {
        guard metrics == nil else { return }
        let log = try MetricsLog(folder.appending(path: "metrics.jsonl"), redoingFrom: round)
        metrics = log
        records = try MetricsLog.records(at: folder.appending(path: "metrics.jsonl"))
        board = try TensorBoardWriter(folder: folder.appending(path: "tensorboard"), redoingFrom: round)
    }

    public func observe(_ event: RunEvent) async {
        switch event {
        case .waiting(let count, let left):
            let line =
                "waiting for \(count) more site\(count == 1 ? "" : "s")"
                + (left.map { ", \(Int($0.rounded())) s left" } ?? "")
            if line != lastWait { print(line) }
            lastWait = line
        case .preparing(let what, let round): print("round \(round): \(what)")
        case .siteLeftOut(let site, let during, let reason):
            print("\(site) is left out (\(during)): \(Plain.withoutPaths(reason))")
        case .resumed(let reports):
            let last = reports.last?.round ?? 0
            attempt {
                try open(redoingFrom: last + 1)
                // A crash may have come between the journal, which counts, and the record of its last round.
                let known = Set(records.map(\.round))
                for report in reports where !known.contains(report.round) { try record(report) }
            }
            print("going on after round \(last)")
        case .roundBegins, .answerArrived, .updateArrived, .aggregating, .validating: break
        case .roundEnds(let report):
            attempt {
                try open(redoingFrom: report.round)
                let record = try record(report)
                print(RoundLine.text(record, of: rounds, metric: metric))
                for site in record.sites { if let failure = site.failure { print("  \(site.name): \(failure)") } }
            }
        }
    }

    @discardableResult
    private func record(_ report: RoundReport) throws -> RoundRecord {
        let record = RoundRecord(report)
        try metrics?.append(record)
        try board?.append(record)
        records.append(record)
        return record
    }

    /// A record that cannot be written ends no run.
    private func attempt(_ body: () throws -> Void) {
        do { try body() } catch { print("The run goes on, but its record cannot be written: \(error)") }
    }
}

extension RoundRecord {
    /// A round as it is told to people: figures of training ("loss") and of the new global model ("dice", "val_loss") side by
    /// side.
    public init(_ report: RoundReport) {
        let took = report.sites.filter { $0.part != .notSelected }
        self.init(
            round: report.round, stage: report.round > 0 ? "training" : "warm-up",
            globalMetrics: report.validation.merging(
                report.training, uniquingKeysWith: { a, _ in a }),
            sites: report.sites.map { SiteRecord($0) },
            seconds: Dictionary(uniqueKeysWithValues: report.seconds.map { ($0.key.rawValue, $0.value) }),
            bytesDown: took.reduce(0) { $0 + $1.bytesSent }, bytesUp: took.reduce(0) { $0 + $1.bytesReceived },
            isBest: report.isBest)
    }
}

extension SiteRecord {
    init(_ outcome: RoundReport.SiteOutcome) {
        let failure: String? =
            switch outcome.part {
            case .took: nil
            case .notSelected: "not selected for this round"
            case .late: "its update did not come in time"
            // A site leaves cases and paths out itself; one of another make may not.
            case .failed(let reason): Plain.withoutPaths(reason)
            }
        self.init(
            name: outcome.site, examples: outcome.examples, steps: outcome.steps,
            metrics: (outcome.validation?.metrics ?? [:]).merging(
                outcome.metrics, uniquingKeysWith: { a, _ in a }),
            seconds: outcome.seconds, bytesReceived: outcome.bytesSent, bytesSent: outcome.bytesReceived,
            failure: failure)
    }
}

extension CrossSiteMatrix {
    public init(_ result: CrossSiteResult) {
        self.init(sites: result.sites, models: result.models)
        for site in result.sites {
            for model in result.models {
                switch result[site, model] {
                case .judged(let judged): self[site, model] = .score(judged.metrics, cases: judged.examples)
                case .missing(let reason): self[site, model] = .missing(reason: Plain.withoutPaths(reason))
                case nil: self[site, model] = .missing(reason: "not asked")
                }
            }
        }
    }
}
