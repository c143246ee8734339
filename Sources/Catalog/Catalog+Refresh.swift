import GRDB
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A line of `audit.jsonl`: a call that a server refused.
public struct RefusedCall: Sendable, Equatable, Codable {
    /// ISO 8601, in UTC.
    public var time: String
    /// By its certificate; nil for a stranger.
    public var peer: String?
    /// Nil in a line that counts those of many callers.
    public var address: String?
    public var route: String?
    public var status: Int?
    public var reason: String

    public init(
        time: String, peer: String? = nil, address: String? = nil, route: String? = nil, status: Int? = nil,
        reason: String
    ) {
        self.time = time
        self.peer = peer
        self.address = address
        self.route = route
        self.status = status
        self.reason = reason
    }
}

extension Catalog {
    /// Takes in what has changed in the files.
    func refresh(_ database: DatabaseQueue) throws {
        try database.write { database in
            var present: Set<Int> = []
            for name in (try? FileManager.default.contentsOfDirectory(atPath: runs.path)) ?? [] {
                guard let run = Int(name) else { continue }
                present.insert(run)
                try refresh(run, database)
            }
            for run in try Int.fetchAll(database, sql: "SELECT id FROM run") where !present.contains(run) {
                for (table, column) in [("run", "id"), ("round", "run"), ("part", "run"), ("metric", "run")] {
                    try database.execute(sql: "DELETE FROM \(table) WHERE \(column) = ?", arguments: [run])
                }
            }
            try refreshRefusals(database)
        }
    }

    private struct State: Equatable {
        var size: Int
        var modified: Double

        /// Nil where there is no such file.
        init?(of url: URL) {
            guard let found = try? FileManager.default.attributesOfItem(atPath: url.path),
                let size = found[.size] as? Int, let modified = found[.modificationDate] as? Date
            else { return nil }
            self.size = size
            self.modified = modified.timeIntervalSince1970
        }
    }

    /// What has changed since the file was read: its size then, and its state now; nil where nothing has.
    private func change(of url: URL, _ database: Database) throws -> (before: Int, now: State)? {
        guard let now = State(of: url) else { return nil }
        let row = try Row.fetchOne(
            database, sql: "SELECT size, modified FROM source WHERE path = ?", arguments: [url.path])
        if let row, row["size"] == now.size, row["modified"] == now.modified { return nil }
        return (row?["size"] ?? 0, now)
    }

    private func note(_ url: URL, _ state: State, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO source VALUES (?, ?, ?)", arguments: [url.path, state.size, state.modified])
    }

    private func refresh(_ run: Int, _ database: Database) throws {
        let folder = runs.appending(path: "\(run)")
        let record = folder.appending(path: "state.json")
        if let change = try change(of: record, database),
            let entry = try? JSONDecoder().decode(RunQueue.Entry.self, from: Data(contentsOf: record))
        {
            try database.execute(
                sql: "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?)",
                arguments: [run, entry.name, entry.state.rawValue, entry.submitter])
            try note(record, change.now, database)
        }
        let metrics = folder.appending(path: "metrics.jsonl")
        guard let change = try change(of: metrics, database) else { return }
        // Rounds may have been done again, so all lines are read.
        for table in ["round", "part", "metric"] {
            try database.execute(sql: "DELETE FROM \(table) WHERE run = ?", arguments: [run])
        }
        // One that cannot be read shall not take the others' rows along.
        guard let rounds = try? MetricsLog.records(at: metrics) else { return }
        for round in rounds { try add(round, of: run, database) }
        try note(metrics, change.now, database)
    }

    private func add(_ round: RoundRecord, of run: Int, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO round VALUES (?, ?, ?, ?, ?)",
            arguments: [run, round.round, round.stage, round.totalSeconds, round.isBest])
        var metrics = [("", round.globalMetrics)]
        for site in round.sites {
            try database.execute(
                sql: "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    run, round.round, site.name, site.examples, site.seconds.isFinite ? site.seconds : nil,
                    site.bytesReceived, site.bytesSent, site.failure,
                ])
            metrics.append((site.name, site.metrics))
        }
        for (site, values) in metrics {
            for (name, value) in values where value.isFinite {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO metric VALUES (?, ?, ?, ?, ?)",
                    arguments: [run, round.round, site, name, value])
            }
        }
    }

    /// The file only grows; one that is shorter is another.
    private func refreshRefusals(_ database: Database) throws {
        guard let (before, now) = try change(of: audit, database) else { return }
        let start = before <= now.size ? before : 0
        if start == 0 { try database.execute(sql: "DELETE FROM refusal") }
        let bytes = try Data(contentsOf: audit, options: .alwaysMapped).dropFirst(start).prefix(now.size - start)
        // A last line that is not whole yet comes with the next look.
        guard let end = bytes.lastIndex(of: 0x0A) else { return }
        for line in bytes[...end].split(separator: 0x0A) {
            guard let call = try? JSONDecoder().decode(RefusedCall.self, from: Data(line)) else { continue }
            try database.execute(
                sql: "INSERT INTO refusal VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [call.time, call.peer, call.address, call.route, call.status, call.reason])
        }
        var read = now
        read.size = start + bytes.distance(from: bytes.startIndex, to: end) + 1
        try note(audit, read, database)
    }
}
