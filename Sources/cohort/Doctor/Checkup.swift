/// Checks, one after the other; what they found is shown as it comes.
struct Checkup {
    private(set) var findings: [Finding] = []
    private let show: (Finding) -> Void

    init(show: @escaping (Finding) -> Void) { self.show = show }

    var hasFailed: Bool { findings.contains { $0.verdict == .fail } }

    mutating func note(_ check: String, _ result: Finding.Result) {
        let finding = Finding(check: check, verdict: result.verdict, text: result.text)
        findings.append(finding)
        show(finding)
    }

    /// Notes what a check found; what it throws is a failure that says the fact and the remedy.
    ///
    /// - Returns: whether it did not fail.
    @discardableResult
    mutating func check(_ name: String, _ body: () async throws -> Finding.Result) async -> Bool {
        let result: Finding.Result
        do { result = try await body() } catch { result = .init(verdict: .fail, text: "\(error)") }
        note(name, result)
        return result.verdict != .fail
    }
}
