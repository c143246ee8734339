/// Who has spent what: an account for every record, and one for the site.
///
/// A record's account holds every entry of every set that the record is in, whatever run it was and whichever other records
/// were there; and those whose unit is the site, since what hides a whole site hides each of its records.
struct LedgerAccounts: Sendable {
    typealias Events = [PrivacyEvent.Mechanism: Int]

    /// The sets that each record is in.
    private var setsOfRecord: [String: [String]] = [:]
    private var spentOnSet: [String: Events] = [:]
    private var spentOnSite: Events = [:]
    private(set) var sets: [String: [String]] = [:]

    mutating func add(_ entry: LedgerEntry) {
        switch entry.content {
        case .released: break
        case .records(let set, let hashes):
            guard sets[set] == nil else { return }
            sets[set] = hashes
            for record in Set(hashes) { setsOfRecord[record, default: []].append(set) }
        case .spent(let spending):
            for (mechanism, count) in spending.events.merged {
                if let set = spending.records {
                    spentOnSet[set, default: [:]][mechanism, default: 0] += count
                } else {
                    spentOnSite[mechanism, default: 0] += count
                }
            }
        }
    }

    /// The largest ε of the accounts that a spending would touch, after it.
    ///
    /// - Parameter records: hashes; nil where the unit is the site, which every record is part of.
    func epsilon(
        after events: [PrivacyEvent] = [], on records: [String]?, delta: Double, accountant: Accountant
    ) -> Double {
        // Most records have spent the same: each sum is accounted once.
        var sums: Set<Events> = []
        var sumsOfSets: [[String]: Events] = [:]
        if records == nil { sums.insert(spentOnSite.adding(events.merged)) }
        for record in records ?? Array(setsOfRecord.keys) {
            let sets = setsOfRecord[record] ?? []
            guard sumsOfSets[sets] == nil else { continue }
            var sum = spentOnSite.adding(events.merged)
            for set in sets { sum = sum.adding(spentOnSet[set] ?? [:]) }
            sumsOfSets[sets] = sum
            sums.insert(sum)
        }
        return sums.map { accountant.epsilon(of: $0.events, at: delta) }.max() ?? 0
    }

    var recordCount: Int { setsOfRecord.count }

    /// Of the site's account alone.
    func siteEpsilon(delta: Double, accountant: Accountant) -> Double {
        accountant.epsilon(of: spentOnSite.events, at: delta)
    }
}

extension LedgerAccounts.Events {
    func adding(_ other: Self) -> Self { merging(other, uniquingKeysWith: +) }

    /// As events again; those that were booked are valid.
    var events: [PrivacyEvent] { compactMap { try? PrivacyEvent($0.key, count: $0.value) } }
}
