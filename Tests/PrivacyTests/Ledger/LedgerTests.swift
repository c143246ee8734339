import FederationTesting
import Privacy
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct LedgerTests {
    private let temporary = try! TemporaryFolder()
    private var folder: URL { temporary.url.appending(path: "ledger") }
    private var lines: URL { folder.appending(path: "ledger.jsonl") }
    private var head: URL { folder.appending(path: "head.json") }
    private let cases = (0..<60).map { "case_\($0)" }

    private func steps(_ count: Int, rate: Double = 1 / 60, sigma: Double = 1.79) throws -> PrivacyEvent {
        try .sampledGaussian(rate: rate, noiseMultiplier: sigma).composed(count)
    }

    private func cap(_ epsilon: Double) throws -> PrivacyLimits {
        PrivacyLimits(cap: try PrivacyBudget(epsilon: epsilon, delta: 1e-3))
    }

    private func isOverBudget(_ body: () async throws -> Void) async -> Bool {
        do { try await body() } catch PrivacyError.overBudget { return true } catch {}
        return false
    }

    @Test func roundsAddUpUntilTheCap() async throws {
        // 36,000 steps cost 7.98; in ten rounds of 3,600 as well.
        let ledger = try PrivacyLedger(folder: folder)
        for round in 1...10 {
            try await ledger.book([try steps(3600)], on: cases, run: "a", round: round, within: try cap(8))
        }
        #expect(abs(try await ledger.epsilon(of: .record, at: 1e-3) - 7.9799) < 1e-3)
        let before = try Data(contentsOf: lines)
        #expect(
            await isOverBudget {
                try await ledger.book([try steps(3600)], on: cases, run: "a", round: 11, within: try cap(8))
            })
        #expect(try Data(contentsOf: lines) == before)
        // A line for the records and one for each round.
        #expect(before.count { $0 == UInt8(ascii: "\n") } == 11)
        // Other records have an account of their own.
        try await ledger.book([try steps(3600)], on: ["x", "y"], run: "b", round: 1, within: try cap(8))
    }

    /// The site is killed between booking and training: what was booked counts, though nothing was trained.
    @Test func whatWasBookedBeforeACrashCounts() async throws {
        do {
            let ledger = try PrivacyLedger(folder: folder)
            try await ledger.book([try steps(30_000)], on: cases, run: "a", round: 1, within: try cap(8))
        }
        let ledger = try PrivacyLedger(folder: folder)
        let spent = RenyiAccountant([try steps(30_000)]).epsilon(at: 1e-3)
        #expect(try await ledger.epsilon(of: .record, at: 1e-3) == spent)
        #expect(
            await isOverBudget {
                try await ledger.book([try steps(30_000)], on: cases, run: "a", round: 1, within: try cap(8))
            })
        try await ledger.book([try steps(6000)], on: cases, run: "a", round: 1, within: try cap(8))
    }

    @Test func oneMoreCaseOpensNoNewAccount() async throws {
        let ledger = try PrivacyLedger(folder: folder)
        try await ledger.book([try steps(36_000)], on: cases, run: "a", round: 1, within: try cap(8))
        for records in [cases + ["new"], Array(cases.dropFirst()), [cases[59]], Array(cases.reversed())] {
            #expect(
                await isOverBudget {
                    try await ledger.book([try steps(3600)], on: records, run: "b", round: 1, within: try cap(8))
                })
        }
        try await ledger.book([try steps(3600)], on: ["new"], run: "b", round: 1, within: try cap(8))
        // The worst account is that of a record in both sets, with the costs of both.
        try await ledger.book(
            [try steps(600, rate: 0.1, sigma: 4)], on: ["new", cases[7]], run: "c", round: 1, within: try cap(20))
        let both = RenyiAccountant([try steps(36_000), try steps(600, rate: 0.1, sigma: 4)]).epsilon(at: 1e-3)
        #expect(try await ledger.epsilon(of: .record, at: 1e-3) == both)
    }

    @Test func theSiteHasAnAccountThatItsRecordsShare() async throws {
        let ledger = try PrivacyLedger(folder: folder)
        let update = try PrivacyEvent.gaussian(4)
        try await ledger.book([update], run: "a", round: 1, within: try cap(8))
        try await ledger.book([try steps(30_000)], on: cases, run: "b", round: 1, within: try cap(8))
        #expect(
            try await ledger.epsilon(of: .site, at: 1e-3) == RenyiAccountant([update]).epsilon(at: 1e-3))
        let both = RenyiAccountant([update, try steps(30_000)]).epsilon(at: 1e-3)
        #expect(try await ledger.epsilon(of: .record, at: 1e-3) == both)
        // The site alone could spend more, but its records could not.
        #expect(
            await isOverBudget {
                try await ledger.book([try .gaussian(1)], run: "a", round: 2, within: try cap(8))
            })
        #expect(RenyiAccountant([update, try .gaussian(1)]).epsilon(at: 1e-3) < 8)
    }

    @Test func bothProgramsOfASiteSeeWhatIsSpent() async throws {
        let (first, second) = (try PrivacyLedger(folder: folder), try PrivacyLedger(folder: folder))
        try await first.book([try steps(20_000)], on: cases, run: "a", round: 1, within: try cap(8))
        #expect(
            await isOverBudget {
                try await second.book([try steps(20_000)], on: cases, run: "b", round: 1, within: try cap(8))
            })
        try await second.book([try steps(10_000)], on: cases, run: "b", round: 1, within: try cap(8))
        #expect(
            await isOverBudget {
                try await first.book([try steps(10_000)], on: cases, run: "a", round: 2, within: try cap(8))
            })
    }

    @Test func noNameOfACaseIsWritten() async throws {
        let ledger = try PrivacyLedger(folder: folder)
        try await ledger.book([try steps(10)], on: ["Meier^Hans"], run: "a", round: 1, within: try cap(8))
        let text = String(decoding: try Data(contentsOf: lines), as: UTF8.self)
        #expect(!text.contains("Meier") && text.contains("sampledGaussian"))
        // Nor under a hash that another site would give.
        let other = try TemporaryFolder()
        let elsewhere = try PrivacyLedger(folder: other.url)
        try await elsewhere.book([try steps(10)], on: ["Meier^Hans"], run: "a", round: 1, within: try cap(8))
        func hash(_ folder: URL) throws -> Substring {
            let text = String(decoding: try Data(contentsOf: folder.appending(path: "ledger.jsonl")), as: UTF8.self)
            return text.split(separator: "\"cases\":[\"")[1].prefix(32)
        }
        #expect(try hash(folder) != hash(other.url))
        let key = try FileManager.default.attributesOfItem(atPath: folder.appending(path: "key").path)
        #expect(key[.posixPermissions] as? Int == 0o600)
    }

    // MARK: One run

    private func message(_ body: () async throws -> Void) async -> String {
        do { try await body() } catch { return "\(error)" }
        return ""
    }

    /// Whatever the server asks for: rounds of more steps, or rounds again.
    @Test func aRunCostsNoMoreThanItPromised() async throws {
        let ledger = try PrivacyLedger(folder: folder)
        let promised = RenyiAccountant([try steps(300)]).epsilon(at: 1e-3)
        var limits = try cap(.infinity)
        limits.ofRun = [try PrivacyBudget(epsilon: promised, delta: 1e-3)]
        for round in 1...2 {
            try await ledger.book([try steps(100)], on: cases, run: "a", round: round, within: limits)
        }
        let longer = await message {
            try await ledger.book([try steps(200)], on: cases, run: "a", round: 3, within: limits)
        }
        #expect(longer.contains("as a whole it may cost") && longer.contains("is booked again"), "\(longer)")
        // Another process, another set of the same run's cases.
        let reopened = try PrivacyLedger(folder: folder)
        try await reopened.book([try steps(100)], on: Array(cases.dropFirst()), run: "a", round: 3, within: limits)
        for round in [3, 4] {
            #expect(
                await isOverBudget {
                    try await ledger.book([try steps(100)], on: [cases[9]], run: "a", round: round, within: limits)
                })
        }
        // Each run has a promise of its own; and the policy's most holds beside it.
        try await ledger.book([try steps(100)], on: cases, run: "b", round: 1, within: limits)
        limits.ofRun.append(try PrivacyBudget(epsilon: promised / 10, delta: 1e-3))
        #expect(
            await isOverBudget {
                try await ledger.book([try steps(100)], on: cases, run: "b", round: 2, within: limits)
            })
        #expect(try await ledger.epsilon(of: .record, at: 1e-3) == RenyiAccountant([try steps(400)]).epsilon(at: 1e-3))
    }

    @Test func aRunOfSitesCostsNoMoreThanItPromised() async throws {
        let ledger = try PrivacyLedger(folder: folder)
        let updates = [try PrivacyEvent.gaussian(4), try .gaussian(6)]
        var limits = try cap(.infinity)
        limits.ofRun = [
            try PrivacyBudget(
                epsilon: RenyiAccountant(try updates.map { try $0.composed(7) }).epsilon(at: 1e-3), delta: 1e-3)
        ]
        // What others spent on records is not this run's.
        try await ledger.book([try steps(30_000)], on: cases, run: "b", round: 1, within: try cap(.infinity))
        for round in 1...7 { try await ledger.book(updates, run: "a", round: round, within: limits) }
        #expect(await isOverBudget { try await ledger.book(updates, run: "a", round: 7, within: limits) })
    }

    // MARK: Cases and patients

    @Test func runsByCaseAndByPatientShareTheAccountsOfTheCases() async throws {
        let ledger = try PrivacyLedger(folder: folder)
        let patients = PatientGroups(
            column: "patient", patientOfCase: Dictionary(uniqueKeysWithValues: cases.map { ($0, "P\($0.suffix(1))") }))
        try await ledger.book([try steps(30_000)], on: cases, run: "a", round: 1, within: try cap(8))
        for groups: PatientGroups? in [
            patients, PatientGroups(column: "mrn", patientOfCase: patients.patientOfCase), nil,
        ] {
            #expect(
                await isOverBudget {
                    try await ledger.book(
                        [try steps(30_000)], on: cases, of: groups, run: "b", round: 1, within: try cap(8))
                })
        }
        try await ledger.book([try steps(3000)], on: cases, of: patients, run: "b", round: 1, within: try cap(8))
        #expect(
            try await ledger.epsilon(of: .record, at: 1e-3) == RenyiAccountant([try steps(33_000)]).epsilon(at: 1e-3))
        let summary = try await ledger.summary(delta: 1e-3)
        #expect(summary.records == 60 + patients.patients.count)
    }

    /// A patient's account is found again with other cases of the same patient; a case of that name is another thing.
    @Test func aPatientsNewCasesOpenNoNewAccount() async throws {
        let ledger = try PrivacyLedger(folder: folder)
        func groups(_ cases: [String]) -> PatientGroups {
            PatientGroups(column: "patient", patientOfCase: Dictionary(uniqueKeysWithValues: cases.map { ($0, "P1") }))
        }
        try await ledger.book([try steps(30_000)], on: ["a"], of: groups(["a"]), run: "a", round: 1, within: try cap(8))
        #expect(
            await isOverBudget {
                try await ledger.book(
                    [try steps(30_000)], on: ["b"], of: groups(["b"]), run: "b", round: 1, within: try cap(8))
            })
        try await ledger.book([try steps(30_000)], on: ["P1"], run: "b", round: 1, within: try cap(8))
        await #expect(throws: PrivacyError.self) {
            try await ledger.book(
                [try steps(1)], on: ["a", "b"], of: groups(["a"]), run: "b", round: 2, within: try cap(8))
        }
        #expect(!String(decoding: try Data(contentsOf: lines), as: UTF8.self).contains("P1"))
    }

    /// The first format had other accounts: it is told, and not read as if nothing were spent.
    @Test func aLedgerOfTheFirstFormatIsNotMisread() async throws {
        _ = try await filled()
        let text = String(decoding: try Data(contentsOf: head), as: UTF8.self)
        #expect(text.contains(#""format":2"#))
        for other in ["", #","format":1"#, #","format":3"#] {
            let changed = text.replacing(#","format":2"#, with: other).replacing(#""format":2,"#, with: "")
            guard changed != text else { continue }
            try Data(changed.utf8).write(to: head)
            #expect {
                try PrivacyLedger(folder: folder)
            } throws: {
                "\($0)".contains("another version")
            }
        }
    }

    /// So many steps that none can account them are more than any cap.
    @Test func moreThanCanBeAccountedIsMoreThanAnyCap() async throws {
        let ledger = try PrivacyLedger(folder: folder)
        let most = try PrivacyEvent.gaussian(1e9).composed(PrivacyEvent.mostSteps)
        try await ledger.book([most], on: cases, run: "a", round: 1, within: try cap(8))
        #expect(
            await isOverBudget { try await ledger.book([most], on: cases, run: "a", round: 2, within: try cap(8)) })
        try await ledger.book([most], on: cases, run: "a", round: 2, within: try cap(.infinity))
        #expect(try await ledger.epsilon(of: .record, at: 1e-3) == .infinity)
        #expect(
            await isOverBudget {
                try await ledger.book([try steps(1)], on: cases, run: "b", round: 1, within: try cap(8))
            })
    }

    // MARK: What was changed

    private func filled() async throws -> Data {
        let ledger = try PrivacyLedger(folder: folder)
        for round in 1...3 {
            try await ledger.book([try steps(100)], on: cases, run: "a", round: round, within: try cap(8))
        }
        return try Data(contentsOf: lines)
    }

    @Test func aChangedOrMissingLineIsFound() async throws {
        let whole = try await filled()
        let all = whole.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast().map {
            Data($0)
        }
        #expect(all.count == 4)
        func joined(_ lines: some Sequence<Data>) -> Data { Data(lines.map { $0 + Data("\n".utf8) }.joined()) }
        var changes: [Data] = [
            Data(), joined(all.dropLast()), joined(all.dropFirst()), joined([all[0], all[2], all[3]]),
        ]
        changes.append(joined([all[0], all[2], all[1], all[3]]))
        changes.append(joined(all + [all[3]]))
        for index in 0..<4 {
            var changed = all
            let text = String(decoding: all[index], as: UTF8.self)
            changed[index] = Data(
                (index == 0 ? text.replacing("cases\":[\"", with: "cases\":[\"0") : text.replacing("100", with: "1"))
                    .utf8)
            #expect(changed[index] != all[index])
            changes.append(joined(changed))
        }
        // The last line, acknowledged, without its end.
        changes.append(whole.dropLast())
        changes.append(whole.dropLast(20))
        for change in changes {
            try change.write(to: lines)
            #expect(throws: PrivacyError.self) { try PrivacyLedger(folder: folder) }
            // And left as it was found.
            #expect(try Data(contentsOf: lines) == change)
        }
        try whole.write(to: lines)
        #expect(try await PrivacyLedger(folder: folder).epsilon(of: .record, at: 1e-3) > 0)
    }

    @Test func withoutKeyOrHeadNothingIsSpent() async throws {
        _ = try await filled()
        for name in ["key", "head.json"] {
            let url = folder.appending(path: name)
            let content = try Data(contentsOf: url)
            try FileManager.default.removeItem(at: url)
            #expect(throws: PrivacyError.self) { try PrivacyLedger(folder: folder) }
            try Data("broken".utf8).write(to: url)
            #expect(throws: PrivacyError.self) { try PrivacyLedger(folder: folder) }
            try content.write(to: url)
        }
        _ = try PrivacyLedger(folder: folder)
    }

    @Test func aLineThatACrashCutShortIsDropped() async throws {
        let whole = try await filled()
        let head = try Data(contentsOf: head)
        let ledger = try PrivacyLedger(folder: folder)
        try await ledger.book([try steps(50)], on: cases, run: "a", round: 4, within: try cap(8))
        let more = try Data(contentsOf: lines)
        let spent = RenyiAccountant([try steps(300)]).epsilon(at: 1e-3)
        for length in [whole.count + 1, (whole.count + more.count) / 2, more.count - 1] {
            // As before the line was acknowledged: the head is still that of three rounds.
            try more.prefix(length).write(to: lines)
            try head.write(to: self.head)
            #expect(try await PrivacyLedger(folder: folder).epsilon(of: .record, at: 1e-3) == spent)
            #expect(try Data(contentsOf: lines) == whole)
        }
        // A line that is whole counts, though nobody was told.
        try more.write(to: lines)
        try head.write(to: self.head)
        let reopened = try PrivacyLedger(folder: folder)
        #expect(
            try await reopened.epsilon(of: .record, at: 1e-3)
                == RenyiAccountant([try steps(350)]).epsilon(at: 1e-3))
        try await reopened.book([try steps(50)], on: cases, run: "a", round: 5, within: try cap(8))
        _ = try PrivacyLedger(folder: folder)
    }

    @Test func aLedgerThatIsChangedWhileItIsOpenBooksNothing() async throws {
        let whole = try await filled()
        let ledger = try PrivacyLedger(folder: folder)
        try whole.dropLast(10).write(to: lines)
        await #expect(throws: PrivacyError.self) {
            try await ledger.book([try steps(50)], on: cases, run: "a", round: 4, within: try cap(8))
        }
    }

    // MARK: Without noise

    @Test func whatLeavesWithoutNoiseNeedsLeave() async throws {
        let ledger = try PrivacyLedger(folder: folder, leave: [.fingerprint])
        try await ledger.release(.fingerprint, run: "a", round: -2)
        await #expect(throws: PrivacyError.self) { try await ledger.release(.metrics, run: "a", round: 1) }
        let summary = try await ledger.summary(delta: 1e-3)
        #expect(summary.releases.map(\.kind) == [.fingerprint])
    }

    @Test func theSummaryShowsRunsAndTotals() async throws {
        let ledger = try PrivacyLedger(folder: folder, leave: [.metrics])
        #expect("\(try await ledger.summary(delta: 1e-3))".hasPrefix("Nothing was booked."))
        for round in 1...10 {
            try await ledger.book([try steps(3600)], on: cases, run: "hippo", round: round, within: try cap(8))
            try await ledger.release(.metrics, run: "hippo", round: round)
        }
        try await ledger.book([try .gaussian(50)], run: "site", round: 1, within: try cap(20))
        let summary = try await ledger.summary(delta: 1e-3)
        #expect(summary.rows.count == 2)
        #expect(summary.rows[0].bookings == 10 && summary.rows[0].count == 36_000)
        #expect(summary.records == 60)
        let text = "\(summary)"
        for part in [
            "run    unit    mechanism                              bookings  releases  ε",
            "hippo  record  sampled Gaussian, q 0.0166667, σ 1.79  10        36000     7.98", "of 60: ε 7.98",
            "hippo: metrics, 10 times", "to train a round again does",
            // What hides records alone, hides no site.
            "the site as a whole: nothing is promised, since hippo did not hide it",
        ] { #expect(text.contains(part), "\(text)") }
    }

    @Test func whoSendsModelsWithoutNoiseHidesNobody() async throws {
        let ledger = try PrivacyLedger(folder: folder, leave: [.model])
        try await ledger.book([try .gaussian(50)], run: "site", round: 1, within: try cap(20))
        let before = "\(try await ledger.summary(delta: 1e-3))"
        #expect(before.contains("the site as a whole: ε 0.") && before.contains("of 0: ε 0."), "\(before)")
        try await ledger.release(.model, run: "plain", round: 1)
        let text = "\(try await ledger.summary(delta: 1e-3))"
        #expect(text.contains("of 0: nothing is promised, since plain did not hide it"), "\(text)")
        #expect(text.contains("whole: nothing is promised, since plain did not hide it"), "\(text)")
    }

    @Test func aBudgetMakesSense() {
        for (epsilon, delta) in [(-1, 1e-5), (Double.nan, 1e-5), (1, 0), (1, 1), (1, .nan)] {
            #expect(throws: PrivacyError.self) { try PrivacyBudget(epsilon: epsilon, delta: delta) }
        }
    }
}
