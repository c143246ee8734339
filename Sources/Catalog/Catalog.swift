import GRDB
import Study
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A server's runs and refusals as tables: for questions that go over many runs.
///
/// The files are what counts: `state.json` and `metrics.jsonl` of every run, and `audit.jsonl`. The database holds nothing
/// that is not in them. It takes in what has changed before it answers, and is made anew where it is missing, broken or of
/// another version.
public final class Catalog: Sendable {
    /// Of the tables below; a database of another number is made anew.
    private static let version = 1

    private let database: Mutex<DatabaseQueue>
    private let file: URL
    let runs: URL
    let audit: URL

    /// - Parameters:
    ///   - file: of the database.
    ///   - runs: the folder of `RunQueue`.
    ///   - audit: one refusal a line.
    /// - Throws: `StudyError.file` where the database can neither be read nor made.
    public init(_ file: URL, runs: URL, audit: URL) throws {
        self.file = file
        self.runs = runs
        self.audit = audit
        let opened: DatabaseQueue
        do {
            do { opened = try Self.open(file) } catch is DatabaseError { opened = try Self.openAnew(file) }
        } catch {
            throw StudyError.file(file.lastPathComponent, reason: "cannot be opened. Is the disk full or read-only?")
        }
        database = Mutex(opened)
    }

    /// Takes in what has changed, and asks. A database that is found broken is made anew once.
    func read<Value>(_ query: (Database) throws -> Value) throws -> Value {
        let database = self.database.withLock { $0 }
        do {
            try refresh(database)
            return try database.read(query)
        } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
            let anew = try self.database.withLock { held in
                // Another call may have done it meanwhile.
                if held === database {
                    try? held.close()
                    held = try Self.openAnew(file)
                }
                return held
            }
            try refresh(anew)
            return try anew.read(query)
        }
    }

    private static func openAnew(_ file: URL) throws -> DatabaseQueue {
        for ending in ["", "-wal", "-shm", "-journal"] {
            try? FileManager.default.removeItem(atPath: file.path + ending)
        }
        return try open(file)
    }

    private static func open(_ file: URL) throws -> DatabaseQueue {
        let database = try DatabaseQueue(path: file.path)
        try database.write { database in
            guard try String.fetchOne(database, sql: "PRAGMA quick_check") == "ok" else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT)
            }
            let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            guard found != version else { return }
            guard found == 0 else { throw DatabaseError(resultCode: .SQLITE_SCHEMA) }
            try database.execute(sql: schema)
            try database.execute(sql: "PRAGMA user_version = \(version)")
        }
        return database
    }

    private static let schema = """
        -- What of a file is in the tables.
        CREATE TABLE source (path TEXT PRIMARY KEY, size INTEGER NOT NULL, modified REAL NOT NULL) WITHOUT ROWID;
        CREATE TABLE run (id INTEGER PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, submitter TEXT NOT NULL);
        CREATE TABLE round (
          run INTEGER NOT NULL, round INTEGER NOT NULL, stage TEXT NOT NULL, seconds REAL NOT NULL, isBest INTEGER NOT NULL,
          PRIMARY KEY (run, round)) WITHOUT ROWID;
        CREATE TABLE part (
          run INTEGER NOT NULL, round INTEGER NOT NULL, site TEXT NOT NULL, examples INTEGER NOT NULL,
          seconds REAL, received INTEGER NOT NULL, sent INTEGER NOT NULL, failure TEXT,
          PRIMARY KEY (run, round, site)) WITHOUT ROWID;
        CREATE INDEX partOfSite ON part (site, run);
        -- Of a site, or of the global model where site is empty.
        CREATE TABLE metric (
          run INTEGER NOT NULL, round INTEGER NOT NULL, site TEXT NOT NULL, name TEXT NOT NULL, value REAL NOT NULL,
          PRIMARY KEY (run, round, site, name)) WITHOUT ROWID;
        CREATE TABLE refusal (
          time TEXT NOT NULL, peer TEXT, address TEXT, route TEXT, status INTEGER, reason TEXT NOT NULL);
        CREATE INDEX refusalByPeer ON refusal (peer, time);
        """
}
