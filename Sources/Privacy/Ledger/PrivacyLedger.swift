#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site has spent of its privacy, over all runs, in a folder of its own that no run can change.
///
/// Booked is spent: a line is on the disk before the training begins, and stays whatever becomes of it. A result that is
/// held and sent again costs nothing; to train a round again does, and is booked again. What was booked is never taken back.
public actor PrivacyLedger {
    private var file: LedgerFile
    private var accounts = LedgerAccounts()
    private var entries: [LedgerEntry] = []
    private let accountant: Accountant
    private let leave: Set<PlainRelease>

    /// Opens a ledger, or begins one.
    ///
    /// - Parameter leave: what the site allows to leave it without noise.
    /// - Throws: `PrivacyError.file` where it cannot be read, or a line of it is missing or was changed.
    public init(folder: URL, accountant: Accountant = .renyi, leave: Set<PlainRelease> = []) throws {
        var file = try LedgerFile(folder)
        let found = try Self.read(&file)
        self.file = file
        self.accountant = accountant
        self.leave = leave
        for entry in found { accounts.add(entry) }
        entries = found
    }

    /// Whether one was begun in a folder.
    public static func exists(in folder: URL) -> Bool { LedgerFile.exists(in: folder) }

    private static func read(_ file: inout LedgerFile) throws -> [LedgerEntry] {
        let copy = file
        return try copy.whileLocked { try file.read() }
    }

    // MARK: Booking

    /// Books what a round costs each of some records, before it begins: on every case's account, and where a run takes a
    /// patient for one record, on the patient's as well.
    ///
    /// - Parameters:
    ///   - cases: all that are trained on. Only keyed hashes of them are kept.
    ///   - patients: whose these cases are, where a record is a patient.
    ///   - limits: what no account may exceed.
    /// - Throws: `PrivacyError.overBudget` where one would: nothing was booked then, and nothing may be trained.
    public func book(
        _ events: [PrivacyEvent], on cases: [String], of patients: PatientGroups? = nil, run: String, round: Int,
        within limits: PrivacyLimits
    ) throws {
        guard !cases.isEmpty else {
            throw PrivacyError.setting("Privacy is booked on records, and there are none.")
        }
        let names = try patients.map { groups in
            try cases.map { name in
                guard let patient = groups.patientOfCase[name] else {
                    throw PrivacyError.setting("Privacy is booked on patients, and a case has none.")
                }
                return file.key.hash(patient: patient, column: groups.column)
            }
        }
        let members = LedgerAccounts.Members(
            cases: Set(cases.map(file.key.hash(case:))).sorted(), patients: Set(names ?? []).sorted())
        let set = file.key.hash(set: members)
        try book(
            LedgerEntry.Spending(run: run, round: round, unit: .record, events: events, records: set), members, limits)
    }

    /// Books what a round's update costs the whole site, before the round begins.
    ///
    /// - Throws: `PrivacyError.overBudget`, as for records. The site's own account and those of all its records must keep
    ///   the limits.
    public func book(_ events: [PrivacyEvent], run: String, round: Int, within limits: PrivacyLimits) throws {
        try book(LedgerEntry.Spending(run: run, round: round, unit: .site, events: events, records: nil), nil, limits)
    }

    private func book(
        _ spending: LedgerEntry.Spending, _ members: LedgerAccounts.Members?, _ limits: PrivacyLimits
    ) throws {
        for event in spending.events { try event.validate() }
        try whileUpToDate {
            try check(spending, members?.all, limits)
            var contents: [LedgerEntry.Content] = []
            if let members, let set = spending.records, accounts.sets[set] == nil {
                contents.append(.accounts(set: set, cases: members.cases, patients: members.patients))
            }
            return contents + [.spent(spending)]
        }
    }

    private func check(_ spending: LedgerEntry.Spending, _ members: [String]?, _ limits: PrivacyLimits) throws {
        let cap = limits.cap
        let epsilon = accounts.epsilon(
            after: spending.events, on: members, delta: cap.delta, accountant: accountant)
        guard epsilon <= cap.epsilon else {
            let before = accounts.epsilon(on: members, delta: cap.delta, accountant: accountant)
            throw PrivacyError.overBudget(
                "Round \(spending.round) would bring the privacy that is spent to ε \(shown(epsilon, digits: 4)) at δ "
                    + "\(shown(cap.delta)), and the site allows \(shown(cap.epsilon)); \(shown(before, digits: 4)) is "
                    + "spent. Plan fewer rounds or more noise, or let the site raise its cap.")
        }
        guard !limits.ofRun.isEmpty else { return }
        let own = accounts(of: spending.run)
        for budget in limits.ofRun {
            let epsilon = own.epsilon(
                after: spending.events, on: members, delta: budget.delta, accountant: limits.accountant)
            guard PrivacyLimits.holds(epsilon, within: budget) else {
                let before = own.epsilon(on: members, delta: budget.delta, accountant: limits.accountant)
                throw PrivacyError.overBudget(
                    "Round \(spending.round) would bring what this run has cost to ε \(shown(epsilon, digits: 4)) at δ "
                        + "\(shown(budget.delta)), and as a whole it may cost \(shown(budget.epsilon, digits: 4)); "
                        + "\(shown(before, digits: 4)) is booked. A round that is trained again, after a crash or since "
                        + "the server asked for it again, is booked again, and so is more training than was planned. The "
                        + "run ends here at this site: keep the model of its last round, or plan a run of its own for "
                        + "what is missing.")
            }
        }
    }

    /// What one run alone has booked.
    private func accounts(of run: String) -> LedgerAccounts {
        var own = LedgerAccounts()
        for entry in entries {
            if case .spent(let spending) = entry.content, spending.run != run { continue }
            own.add(entry)
        }
        return own
    }

    /// Notes that something leaves without noise, before it does.
    ///
    /// - Throws: `PrivacyError.refused` where the site gave no leave for it.
    public func release(_ kind: PlainRelease, run: String, round: Int) throws {
        guard leave.contains(kind) else {
            throw PrivacyError.refused(
                "The site gives no leave to release its \(kind.rawValue) without noise. Add it to the releases that its "
                    + "policy allows, or do without it.")
        }
        try whileUpToDate { [.released(kind, run: run, round: round)] }
    }

    /// Reads what other processes booked, asks what to write, and writes it.
    private func whileUpToDate(_ contents: () throws -> [LedgerEntry.Content]) throws {
        let lock = file
        try lock.whileLocked {
            take(try file.read())
            take(try file.append(try contents()))
            try file.acknowledge()
        }
    }

    private func take(_ new: [LedgerEntry]) {
        for entry in new { accounts.add(entry) }
        entries += new
    }

    // MARK: Asking

    /// The largest ε of any account, be it a case's, a patient's or the site's; or the site's own.
    public func epsilon(of unit: PrivacyUnit, at delta: Double) throws -> Double {
        take(try Self.read(&file))
        return switch unit {
        case .record: accounts.epsilon(delta: delta, accountant: accountant)
        case .site: accounts.siteEpsilon(delta: delta, accountant: accountant)
        }
    }

    /// What was booked, run by run, for people.
    public func summary(delta: Double) throws -> LedgerSummary {
        let record = try epsilon(of: .record, at: delta)
        return LedgerSummary(
            entries, delta: delta, accountant: accountant, records: accounts.recordCount, recordEpsilon: record,
            siteEpsilon: accounts.siteEpsilon(delta: delta, accountant: accountant))
    }
}
