#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Coordinator {
    /// Asks sites until the preparation has what it needs. A site that fails is lost: the preparation begins again without
    /// it, or goes on without it where it says so.
    ///
    /// - Parameters:
    ///   - end: when the answers to the next question must be there; nil waits for them.
    ///   - lost: is told the site, the step and the reason.
    /// - Returns: the sites that are left.
    func carryOut(
        _ preparation: any Preparation, with sites: [String], until end: () -> Deadline?,
        lost: (_ site: String, _ step: String, _ reason: String) async -> Void
    ) async throws -> [String] {
        var asked = sites
        var reasons: [String] = []
        /// Where lost sites are only missing, the preparation itself knows how many answers it needs.
        func requireEnough() throws {
            guard preparation.goesOnWithoutLostSites || asked.count >= strategy.minimumSites else {
                throw FederationError.tooFewSites(needed: strategy.minimumSites, present: asked, reasons: reasons)
            }
        }
        attempt: while true {
            var attempt = preparation
            var answers: [String: Data] = [:]
            var shown: (String, Int)?
            var count = 0
            while let questions = try attempt.next(answers, sites: asked) {
                try requireEnough()
                let step = attempt.name
                if shown.map({ $0 != (step, attempt.round) }) ?? true {
                    shown = (step, attempt.round)
                    await tell(.preparing(step, round: attempt.round))
                }
                answers = [:]
                count += 1
                var failures: [(site: String, reason: String)] = []
                let tasks = tasks(
                    {
                        .answer(
                            Question(
                                to: attempt.addressee, round: attempt.round, step: count, questions[$0] ?? Data()))
                    },
                    for: asked.filter { questions[$0] != nil })
                try await Exchange.perform(tasks, until: end()) { outcome in
                    switch outcome.result {
                    case .success(.answer(let data)):
                        answers[outcome.site] = data
                        await tell(
                            .answerArrived(site: outcome.site, step: step, received: answers.count, of: tasks.count))
                    case .success: failures.append((outcome.site, "it did not answer the question"))
                    case .failure(let error):
                        if error is CancellationError, Task.isCancelled { throw error }
                        failures.append((outcome.site, outcome.isLate ? "it did not answer in time" : "\(error)"))
                    }
                }
                if failures.isEmpty { continue }
                asked.removeAll { site in failures.contains { $0.site == site } }
                for (site, reason) in failures.sorted(by: { $0.site < $1.site }) {
                    reasons.append("\(site): \(reason)")
                    await lost(site, step, reason)
                }
                try requireEnough()
                if !attempt.goesOnWithoutLostSites { continue attempt }
            }
            return asked
        }
    }
}
