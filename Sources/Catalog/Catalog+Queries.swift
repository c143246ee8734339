import GRDB

/// A round of a run.
public struct RoundSummary: Sendable, Equatable, Codable {
    public var round: Int
    public var stage: String
    /// Of the global model; nil where it was not judged.
    public var metric: Double?
    public var seconds: Double
    public var isBest: Bool
    public var sitesThatTookPart: Int
    public var sitesThatDidNot: Int
}

/// What one site did in one run.
public struct SiteSummary: Sendable, Equatable, Codable {
    public var run: Int
    public var runName: String
    public var site: String
    public var rounds: Int
    public var roundsMissed: Int
    public var examples: Int
    /// Of all its rounds.
    public var seconds: Double
    public var bytesReceived: Int
    public var bytesSent: Int
    /// On the site's cases, when it was last judged.
    public var metric: Double?
    /// Why it last took no part.
    public var lastFailure: String?
}

extension Catalog {
    /// The rounds of a run, in order.
    ///
    /// - Parameter metric: such as `dice`.
    public func rounds(ofRun run: Int, metric: String) throws -> [RoundSummary] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT r.round, r.stage, r.seconds, r.isBest, m.value AS metric,
                           count(p.site) FILTER (WHERE p.failure IS NULL) AS took,
                           count(p.site) FILTER (WHERE p.failure IS NOT NULL) AS missed
                    FROM round r
                    LEFT JOIN metric m ON m.run = r.run AND m.round = r.round AND m.site = '' AND m.name = ?
                    LEFT JOIN part p ON p.run = r.run AND p.round = r.round
                    WHERE r.run = ? GROUP BY r.round ORDER BY r.round
                    """, arguments: [metric, run]
            ).map { row in
                RoundSummary(
                    round: row["round"], stage: row["stage"], metric: row["metric"], seconds: row["seconds"],
                    isBest: row["isBest"], sitesThatTookPart: row["took"], sitesThatDidNot: row["missed"])
            }
        }
    }

    /// What sites did, run by run.
    ///
    /// - Parameters:
    ///   - run: nil for all runs.
    ///   - site: nil for all sites.
    public func sites(inRun run: Int? = nil, named site: String? = nil, metric: String) throws -> [SiteSummary] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT p.run, run.name AS runName, p.site,
                           count(*) FILTER (WHERE p.failure IS NULL) AS rounds,
                           count(p.failure) AS missed, max(p.examples) AS examples, total(p.seconds) AS seconds,
                           sum(p.received) AS received, sum(p.sent) AS sent,
                           (SELECT m.value FROM metric m WHERE m.run = p.run AND m.site = p.site AND m.name = :metric
                            ORDER BY m.round DESC LIMIT 1) AS metric,
                           (SELECT f.failure FROM part f
                            WHERE f.run = p.run AND f.site = p.site AND f.failure IS NOT NULL
                            ORDER BY f.round DESC LIMIT 1) AS lastFailure
                    FROM part p JOIN run ON run.id = p.run
                    WHERE (:run IS NULL OR p.run = :run) AND (:site IS NULL OR p.site = :site)
                    GROUP BY p.run, p.site ORDER BY p.run, p.site
                    """, arguments: ["metric": metric, "run": run, "site": site]
            ).map { row in
                SiteSummary(
                    run: row["run"], runName: row["runName"], site: row["site"], rounds: row["rounds"],
                    roundsMissed: row["missed"], examples: row["examples"], seconds: row["seconds"],
                    bytesReceived: row["received"], bytesSent: row["sent"], metric: row["metric"],
                    lastFailure: row["lastFailure"])
            }
        }
    }

    /// The latest calls that were refused, the newest last.
    ///
    /// - Parameters:
    ///   - peer: by its certificate; nil for all, strangers among them.
    ///   - since: a date or a time as ISO 8601 has it; nil for any.
    public func refusals(of peer: String? = nil, since: String? = nil, last count: Int) throws -> [RefusedCall] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM refusal
                    WHERE (:peer IS NULL OR peer = :peer) AND (:since IS NULL OR time >= :since)
                    ORDER BY time DESC, rowid DESC LIMIT :count
                    """, arguments: ["peer": peer, "since": since, "count": count]
            ).reversed().map { row in
                RefusedCall(
                    time: row["time"], peer: row["peer"], address: row["address"], route: row["route"],
                    status: row["status"], reason: row["reason"])
            }
        }
    }
}
