import Foundation
import Study
import Testing

private let exchange = ProcessInfo.processInfo.environment["COHORT_STUDY_EXCHANGE"].map { URL(fileURLWithPath: $0) }

/// Leaves event files and reports in the folder `COHORT_STUDY_EXCHANGE`, for scripts/compare/tensorboard.py and for eyes.
@Suite(.enabled(if: exchange != nil, "only with COHORT_STUDY_EXCHANGE, from scripts/compare/tensorboard.py"))
struct StudyExchangeTests {
    /// A run that stops after round 8 and goes on from round 7.
    @Test func resumedRun() throws {
        let folder = try #require(exchange)
        let log = folder.appending(path: "metrics.jsonl")
        let events = folder.appending(path: "events")
        var records = SampleRun(sites: 4, rounds: 12).records
        let begin = Date(timeIntervalSince1970: 1_800_000_000)
        var (metrics, board) = (try MetricsLog(log), try TensorBoardWriter(folder: events, time: begin))
        for record in records.filter({ $0.round <= 8 }) {
            try metrics.append(record)
            try board.append(record, time: begin + Double(record.round) * 60)
        }
        metrics = try MetricsLog(log, redoingFrom: 7)
        board = try TensorBoardWriter(folder: events, redoingFrom: 7, time: begin + 3600)
        for index in records.indices where records[index].round >= 7 {
            records[index].globalMetrics["dice"]! += 0.01
            try metrics.append(records[index])
            try board.append(records[index], time: begin + 3600 + Double(records[index].round) * 60)
        }
    }

    @Test(arguments: [(0, 0), (1, 1), (2, 3), (4, 50), (8, 12), (20, 300)])
    func reports(sites: Int, rounds: Int) throws {
        let folder = try #require(exchange)
        let run = SampleRun(sites: sites, rounds: rounds)
        try Report.write(run.report, to: folder.appending(path: "report-\(sites)-\(rounds).html"))
        for record in run.records.suffix(3) { print(RoundLine.text(record, of: rounds)) }
        print(run.matrix.text())
    }
}
