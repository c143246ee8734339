/// Who has spent what: an account for every case, one for every patient that a run named, and one for the site.
///
/// A case's account holds every entry of every set that the case is in, whatever run it was, whichever other cases were there,
/// and whether the run took the case or its patient for one record; a patient's holds the entries of runs that grouped by the
/// same column. All hold those whose unit is the site, since what hides a whole site hides each of its records.
struct LedgerAccounts: Sendable {
    typealias Events = [PrivacyEvent.Mechanism: Int]

    /// Keyed hashes of what entries mean by a name.
    struct Members: Sendable, Equatable {
        var cases: [String]
        /// Of patients, where the run named them.
        var patients: [String]

        /// Whose accounts a spending is on.
        var all: [String] { cases + patients }
        /// What the run took for one record each.
        var records: [String] { patients.isEmpty ? cases : patients }
    }

    /// The sets that each case or patient is in.
    private var setsOfMember: [String: [String]] = [:]
    private var spentOnSet: [String: Events] = [:]
    private var spentOnSite: Events = [:]
    private(set) var sets: [String: Members] = [:]

    mutating func add(_ entry: LedgerEntry) {
        switch entry.content {
        case .released: break
        case .accounts(let set, let cases, let patients):
            guard sets[set] == nil else { return }
            let members = Members(cases: cases, patients: patients)
            sets[set] = members
            for member in Set(members.all) { setsOfMember[member, default: []].append(set) }
        case .spent(let spending):
            if let set = spending.records {
                spentOnSet[set] = (spentOnSet[set] ?? [:]).adding(spending.events.merged)
            } else {
                spentOnSite = spentOnSite.adding(spending.events.merged)
            }
        }
    }

    /// The largest ε of the accounts that a spending would touch, after it.
    ///
    /// - Parameter members: hashes; nil where the unit is the site, which all are part of.
    func epsilon(
        after events: [PrivacyEvent] = [], on members: [String]?, delta: Double, accountant: Accountant
    ) -> Double {
        // Most have spent the same: each sum is accounted once.
        var sums: Set<Events> = []
        var sumsOfSets: Set<[String]> = []
        let site = spentOnSite.adding(events.merged)
        if members == nil { sums.insert(site) }
        for member in members ?? Array(setsOfMember.keys) {
            let sets = setsOfMember[member] ?? []
            guard sumsOfSets.insert(sets).inserted else { continue }
            sums.insert(sets.reduce(site) { $0.adding(spentOnSet[$1] ?? [:]) })
        }
        return sums.map { accountant.epsilon(of: $0, at: delta) }.max() ?? 0
    }

    /// The largest of any account.
    func epsilon(delta: Double, accountant: Accountant) -> Double {
        epsilon(on: nil, delta: delta, accountant: accountant)
    }

    /// How many records runs have trained on: cases, and patients where they were named.
    var recordCount: Int { Set(sets.values.flatMap(\.records)).count }

    /// Of the site's account alone.
    func siteEpsilon(delta: Double, accountant: Accountant) -> Double {
        accountant.epsilon(of: spentOnSite, at: delta)
    }
}

extension LedgerAccounts.Events {
    /// A sum that no number holds stays the largest number.
    func adding(_ other: Self) -> Self {
        merging(other) { a, b in
            let (sum, overflow) = a.addingReportingOverflow(b)
            return overflow ? .max : sum
        }
    }
}

extension Accountant {
    /// Infinite where so much was spent that it cannot be accounted.
    func epsilon(of counts: LedgerAccounts.Events, at delta: Double) -> Double {
        var events: [PrivacyEvent] = []
        for (mechanism, count) in counts {
            guard let event = try? PrivacyEvent(mechanism, count: count) else { return .infinity }
            events.append(event)
        }
        return epsilon(of: events, at: delta)
    }
}
