/// A ledger as people read it: a row for every kind of spending of every run, and what it comes to.
public struct LedgerSummary: Sendable, CustomStringConvertible {
    public struct Row: Sendable, Equatable {
        public var run: String
        public var unit: PrivacyUnit
        public var mechanism: PrivacyEvent.Mechanism
        /// Bookings; a round that was trained again counts again.
        public var bookings: Int
        /// Releases: steps of DP-SGD, or updates.
        public var count: Int
        /// Of this row alone.
        public var epsilon: Double
    }

    public private(set) var rows: [Row] = []
    /// How often each run released something without noise.
    public private(set) var releases: [(run: String, kind: PlainRelease, count: Int)] = []
    public let delta: Double
    public let accountant: Accountant
    /// Records that runs have trained on: cases, and patients where they were named.
    public let records: Int
    /// Of the record that has spent most, and of the site.
    public let recordEpsilon: Double
    public let siteEpsilon: Double

    init(
        _ entries: [LedgerEntry], delta: Double, accountant: Accountant, records: Int, recordEpsilon: Double,
        siteEpsilon: Double
    ) {
        (self.delta, self.accountant, self.records) = (delta, accountant, records)
        (self.recordEpsilon, self.siteEpsilon) = (recordEpsilon, siteEpsilon)
        for entry in entries {
            switch entry.content {
            case .accounts: break
            case .released(let kind, let run, _):
                if let index = releases.firstIndex(where: { $0.run == run && $0.kind == kind }) {
                    releases[index].count += 1
                } else {
                    releases.append((run, kind, 1))
                }
            case .spent(let spending):
                for event in spending.events {
                    let index = rows.firstIndex {
                        $0.run == spending.run && $0.unit == spending.unit && $0.mechanism == event.mechanism
                    }
                    if let index {
                        rows[index].bookings += 1
                        rows[index].count += event.count
                    } else {
                        rows.append(
                            Row(
                                run: spending.run, unit: spending.unit, mechanism: event.mechanism, bookings: 1,
                                count: event.count, epsilon: 0))
                    }
                }
            }
        }
        for index in rows.indices {
            rows[index].epsilon = accountant.epsilon(of: [rows[index].mechanism: rows[index].count], at: delta)
        }
    }

    public var description: String {
        var table = [["run", "unit", "mechanism", "bookings", "releases", "ε"]]
        for row in rows {
            table.append([
                row.run, row.unit.rawValue, "\(row.mechanism)", "\(row.bookings)", "\(row.count)",
                shown(row.epsilon, digits: 4),
            ])
        }
        let widths = table[0].indices.map { column in table.map { $0[column].count }.max()! }
        var lines = table.map { row in
            var line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(
                separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
        if rows.isEmpty { lines = ["Nothing was booked."] }
        let name = accountant == .renyi ? RenyiAccountant.name : PrivacyLossAccountant.name
        lines.append("")
        lines.append("In all, at δ \(shown(delta)), by \(name):")
        lines.append("  the record that has spent most, of \(records): \(record)")
        lines.append("  the site as a whole: \(site)")
        if !releases.isEmpty {
            lines.append("Released without noise, with the site's leave; no ε holds for it:")
            for (run, kind, count) in releases { lines.append("  \(run): \(kind.rawValue), \(count) times") }
        }
        lines.append("A result that is held and sent again costs nothing; to train a round again does.")
        return lines.joined(separator: "\n")
    }
}

extension LedgerSummary {
    /// Runs whose updates left without noise.
    private var plainRuns: [String] { releases.filter { $0.kind == .model }.map(\.run) }

    private var record: String {
        plainRuns.first.map(Self.nothing) ?? "ε \(shown(recordEpsilon, digits: 4))"
    }

    /// Updates that hide single records tell what the site's data are like as a whole.
    private var site: String {
        (plainRuns + rows.filter { $0.unit == .record }.map(\.run)).first.map(Self.nothing)
            ?? "ε \(shown(siteEpsilon, digits: 4))"
    }

    private static func nothing(run: String) -> String { "nothing is promised, since \(run) did not hide it" }
}

extension PrivacyEvent.Mechanism: CustomStringConvertible {
    public var description: String {
        switch self {
        case .gaussian(let sigma): "Gaussian, σ \(shown(sigma))"
        case .sampledGaussian(let rate, let sigma): "sampled Gaussian, q \(shown(rate)), σ \(shown(sigma))"
        case .laplace(let scale): "Laplace, b \(shown(scale))"
        }
    }
}
