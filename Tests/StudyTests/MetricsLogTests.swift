import Federation
import Foundation
import Study
import Synchronization
import Testing

@Suite struct MetricsLogTests {
    private func log(_ folder: URL) -> URL { folder.appending(path: "metrics.jsonl") }

    @Test func oneLineARound() throws {
        try withScratchFolder { folder in
            let records = SampleRun(sites: 3, rounds: 5).records
            let log = try MetricsLog(log(folder))
            for record in records { try log.append(record) }
            let text = try String(contentsOf: log.url, encoding: .utf8)
            #expect(text.split(separator: "\n").count == records.count && text.hasSuffix("\n"))
            #expect(try MetricsLog.records(at: log.url) == records)
        }
    }

    @Test func noFileHoldsNoRounds() throws {
        try withScratchFolder { folder in
            _ = try MetricsLog(log(folder))
            #expect(try MetricsLog.records(at: log(folder)).isEmpty)
        }
    }

    /// A crash can tear the last line at any byte; a resumed run goes on after the last whole one.
    @Test func aTornLastLineIsDropped() throws {
        try withScratchFolder { folder in
            let records = SampleRun(sites: 2, rounds: 3).records
            let first = try MetricsLog(log(folder))
            for record in records { try first.append(record) }
            let whole = try Data(contentsOf: first.url)
            let lastLine = whole.dropLast().lastIndex(of: 0x0A)! + 1
            for cut in stride(from: lastLine, to: whole.count - 1, by: 37) {
                try whole.prefix(cut).write(to: first.url)
                #expect(try MetricsLog.records(at: first.url) == records.dropLast(), "\(cut)")
                try MetricsLog(first.url).append(records.last!)
                #expect(try Data(contentsOf: first.url) == whole, "\(cut)")
            }
            try whole.dropLast().write(to: first.url)  // only the line's end is missing
            try MetricsLog(first.url).append(records[0])
            #expect(try MetricsLog.records(at: first.url) == records + [records[0]])
        }
    }

    @Test func roundsThatAreRedoneAreDropped() throws {
        try withScratchFolder { folder in
            let records = SampleRun(sites: 2, rounds: 6).records
            let first = try MetricsLog(log(folder))
            for record in records { try first.append(record) }
            _ = try MetricsLog(log(folder), redoingFrom: 4)
            #expect(try MetricsLog.records(at: log(folder)).map(\.round) == [-2, -1, 1, 2, 3])
            _ = try MetricsLog(log(folder), redoingFrom: -1)
            #expect(try MetricsLog.records(at: log(folder)).map(\.round) == [-2])
        }
    }

    /// A broken line that is not the last one is no crash's work: it is said, not lost.
    @Test func aBrokenLineInTheMiddleIsAnError() throws {
        try withScratchFolder { folder in
            let log = try MetricsLog(log(folder))
            try log.append(RoundRecord(round: 1))
            try Data("nonsense\n".utf8).append(to: log.url)
            try log.append(RoundRecord(round: 2))
            let fault = StudyError.line(
                file: "metrics.jsonl", line: 2, reason: "this is not the record of a round")
            #expect(throws: fault) { try MetricsLog(log.url) }
            #expect(throws: fault) { try MetricsLog.records(at: log.url) }
        }
    }

    /// What a newer Cohort wrote into a line is still there when an older one resumes.
    @Test func keptLinesAreNotRewritten() throws {
        try withScratchFolder { folder in
            let text = #"{"round":1,"stage":"training","new_key":[1,2]}"# + "\n"
            try Data((text + #"{"round":2,"stage":"training"}"# + "\n").utf8).write(to: log(folder))
            _ = try MetricsLog(log(folder), redoingFrom: 2)
            #expect(try String(contentsOf: log(folder), encoding: .utf8) == text)
        }
    }

    @Test func aFolderThatIsNotThereIsSaid() throws {
        try withScratchFolder { folder in
            let log = try MetricsLog(folder.appending(path: "missing/metrics.jsonl"))
            #expect(throws: StudyError.self) { try log.append(RoundRecord(round: 1)) }
        }
    }

    /// A site of another make may name a file in its failure: neither the log nor the terminal repeats it.
    @Test func reasonsNameNoFiles() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cohort-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let printed = Lines()
        let recorder = RunRecorder(folder: folder, rounds: 1) { printed.add($0) }
        let reason = "cannot read /data/Doe_John/ct.nii.gz: it is cut short"
        var report = RoundReport(round: 1, rounds: 1)
        report.sites = [.init(site: "a", part: .failed(reason))]
        await recorder.observe(.siteLeftOut("b", during: "fingerprint", reason: reason))
        await recorder.observe(.roundEnds(report))
        let text = try String(contentsOf: folder.appending(path: "metrics.jsonl"), encoding: .utf8)
        #expect(text.contains("cannot read [file]: it is cut short") && !text.contains("Doe"))
        #expect(
            printed.all.count(where: { $0.contains("[file]") }) >= 2 && !printed.all.contains { $0.contains("Doe") })
    }
}

extension Data {
    func append(to url: URL) throws {
        let file = try FileHandle(forWritingTo: url)
        try file.seekToEnd()
        try file.write(contentsOf: self)
        try file.close()
    }
}

private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}
