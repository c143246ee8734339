import Catalog
import Foundation
import Study
import Testing

@Suite struct CatalogTests {
    private let folder: URL
    private var runs: URL { folder.appending(path: "runs") }
    private var audit: URL { folder.appending(path: "audit.jsonl") }
    private var file: URL { folder.appending(path: "catalog.sqlite") }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "catalog-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func open() throws -> Catalog { try Catalog(file, runs: runs, audit: audit) }

    private func handIn(_ id: Int, _ name: String, _ rounds: [RoundRecord]) throws {
        let own = runs.appending(path: "\(id)")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        let entry = RunQueue.Entry(id: id, name: name, submitter: "anna", organisation: "O", submitted: Date())
        try JSONEncoder().encode(entry).write(to: own.appending(path: "state.json"))
        let log = try MetricsLog(own.appending(path: "metrics.jsonl"))
        for round in rounds { try log.append(round) }
    }

    private func round(_ number: Int, dice: Double, failing: Set<String> = []) -> RoundRecord {
        RoundRecord(
            round: number, globalMetrics: ["dice": dice],
            sites: ["a", "b"].map { name in
                SiteRecord(
                    name: name, examples: 10, metrics: failing.contains(name) ? [:] : ["dice": dice + 0.1], seconds: 2,
                    bytesReceived: 100, bytesSent: 50, failure: failing.contains(name) ? "late in \(number)" : nil)
            }, seconds: ["training": 2, "aggregation": 1], isBest: dice > 0.6)
    }

    private func refuse(_ peer: String?, _ time: String, _ reason: String = "no") throws {
        let call = RefusedCall(time: time, peer: peer, address: "127.0.0.1", route: "/x", status: 403, reason: reason)
        let line = try JSONEncoder().encode(call) + Data("\n".utf8)
        if let file = try? FileHandle(forWritingTo: audit) {
            try file.seekToEnd()
            try file.write(contentsOf: line)
            try file.close()
        } else {
            try line.write(to: audit)
        }
    }

    @Test func roundsAndSitesAreFound() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try handIn(1, "first", [round(1, dice: 0.5, failing: ["b"]), round(2, dice: 0.7)])
        try handIn(2, "second", [round(1, dice: 0.4, failing: ["a", "b"])])
        let catalog = try open()
        let rounds = try catalog.rounds(ofRun: 1, metric: "dice")
        #expect(rounds.map(\.round) == [1, 2] && rounds.map(\.metric) == [0.5, 0.7])
        #expect(rounds.map(\.sitesThatTookPart) == [1, 2] && rounds.map(\.sitesThatDidNot) == [1, 0])
        #expect(rounds.map(\.isBest) == [false, true] && rounds[0].seconds == 3)
        #expect(try catalog.rounds(ofRun: 1, metric: "val_loss").map(\.metric) == [nil, nil])
        let b = try catalog.sites(named: "b", metric: "dice")
        #expect(b.map(\.run) == [1, 2] && b.map(\.runName) == ["first", "second"])
        #expect(b[0].rounds == 1 && b[0].roundsMissed == 1 && b[0].lastFailure == "late in 1")
        #expect(b[0].seconds == 4 && b[0].bytesSent == 100 && b[0].bytesReceived == 200)
        #expect(abs(b[0].metric! - 0.8) < 1e-12 && b[1].metric == nil)
        #expect(try catalog.sites(inRun: 2, metric: "dice").map(\.site) == ["a", "b"])
    }

    @Test func whatChangesIsTakenIn() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try handIn(1, "first", [round(1, dice: 0.5), round(2, dice: 0.7)])
        let catalog = try open()
        #expect(try catalog.rounds(ofRun: 1, metric: "dice").count == 2)
        // Round 2 is done again, and another follows.
        let log = try MetricsLog(runs.appending(path: "1/metrics.jsonl"), redoingFrom: 2)
        try log.append(round(2, dice: 0.25))
        try log.append(round(3, dice: 0.3))
        #expect(try catalog.rounds(ofRun: 1, metric: "dice").map(\.metric) == [0.5, 0.25, 0.3])
        try FileManager.default.removeItem(at: runs.appending(path: "1"))
        #expect(try catalog.sites(metric: "dice").isEmpty)
    }

    @Test func refusalsAreFoundByWhomAndWhen() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try refuse("a", "2026-11-01T10:00:00Z")
        let catalog = try open()
        #expect(try catalog.refusals(last: 10).count == 1)
        try refuse(nil, "2026-11-02T10:00:00Z")
        try refuse("a", "2026-11-03T10:00:00Z", "later")
        #expect(try catalog.refusals(last: 10).map(\.peer) == ["a", nil, "a"])
        #expect(try catalog.refusals(of: "a", since: "2026-11-02", last: 10).map(\.reason) == ["later"])
        #expect(try catalog.refusals(last: 1).map(\.reason) == ["later"])
        // A line that is being written waits until it is whole; a file that was begun anew is read anew.
        try FileHandle(forWritingTo: audit).seekToEnd()
        let handle = try FileHandle(forWritingTo: audit)
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"time":"2026-11-04T1"#.utf8))
        #expect(try catalog.refusals(last: 10).count == 3)
        try handle.write(contentsOf: Data(#"0:00:00Z","address":"::1","reason":"torn"}"#.utf8 + [0x0A]))
        #expect(try catalog.refusals(last: 10).map(\.reason).last == "torn")
        try FileManager.default.removeItem(at: audit)
        try refuse("new", "2026-11-05T10:00:00Z")
        #expect(try catalog.refusals(last: 10).map(\.peer) == ["new"])
    }

    @Test func aRunThatCannotBeReadIsLeftOut() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try handIn(1, "first", [round(1, dice: 0.5)])
        try handIn(2, "second", [round(1, dice: 0.5)])
        let catalog = try open()
        #expect(try catalog.sites(metric: "dice").map(\.run) == [1, 1, 2, 2])
        let log = runs.appending(path: "1/metrics.jsonl")
        let whole = try Data(contentsOf: log)
        try (Data("no round\n".utf8) + whole).write(to: log)
        #expect(try catalog.sites(metric: "dice").map(\.run) == [2, 2])
        try whole.write(to: log)
        #expect(try catalog.sites(metric: "dice").map(\.run) == [1, 1, 2, 2])
    }

    @Test func itIsMadeAnewWhereItBreaksInUse() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try handIn(1, "first", [round(1, dice: 0.5)])
        try refuse("a", "2026-11-01T10:00:00Z")
        let catalog = try open()
        let before = try catalog.sites(metric: "dice")
        let size = try Data(contentsOf: file).count
        let handle = try FileHandle(forWritingTo: file)
        try handle.write(contentsOf: Data(repeating: 0x5A, count: size))
        try handle.close()
        #expect(try catalog.sites(metric: "dice") == before && !before.isEmpty)
        #expect(try catalog.refusals(last: 10).count == 1)
    }

    @Test(arguments: ["missing", "broken", "older"])
    func itIsMadeAnew(what: String) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try handIn(1, "first", [round(1, dice: 0.5)])
        try refuse("a", "2026-11-01T10:00:00Z")
        var catalog: Catalog? = try open()
        let before = try catalog!.sites(metric: "dice")
        catalog = nil
        switch what {
        case "missing": try FileManager.default.removeItem(at: file)
        case "broken": try Data("this is no database, and long enough to be taken for one".utf8).write(to: file)
        default:
            // The version stands in bytes 60 to 63 of the head.
            var bytes = try Data(contentsOf: file)
            bytes[63] = 200
            try bytes.write(to: file)
        }
        let again = try open()
        #expect(try again.sites(metric: "dice") == before && !before.isEmpty)
        #expect(try again.refusals(last: 10).count == 1)
    }
}
