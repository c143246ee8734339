/// What failed, where and why: a line for each site and reason.
struct FailuresSection {
    let history: RunHistory

    /// More stretches of rounds than this are not all written out.
    private static let mostStretches = 8

    var html: HTML {
        let failures = history.failures
        guard !failures.isEmpty else {
            guard !history.all.isEmpty else { return .empty }
            return "<section><h2>Failures</h2><p class=\"none\">None.</p></section>\n"
        }
        let rows = failures.map { failure -> HTML in
            """
            <tr><th scope="row">\(failure.site)</th><td>\(Plain.withoutPaths(failure.reason))</td>\
            <td>\(failure.stage)</td><td class="n">\(failure.rounds.count)</td>\
            <td>\(Self.text(failure.rounds))</td></tr>

            """
        }
        return """
            <section><h2>Failures</h2><div class="wide"><table class="failures"><thead><tr><th>Site</th><th>Reason</th>\
            <th>Stage</th><th class="n">Times</th><th>Rounds</th></tr></thead><tbody>\(rows)</tbody></table></div></section>

            """
    }

    /// "3, 10, 21–25"; of many stretches the first ones and the last.
    static func text(_ rounds: [Int]) -> String {
        guard rounds.contains(where: { $0 >= 0 }) else { return "before round 1" }
        var stretches: [ClosedRange<Int>] = []
        for round in rounds {
            if let last = stretches.last, last.upperBound == round - 1 {
                stretches[stretches.count - 1] = last.lowerBound...round
            } else {
                stretches.append(round...round)
            }
        }
        let texts = stretches.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)" }
        guard texts.count > mostStretches else { return texts.joined(separator: ", ") }
        return texts.prefix(mostStretches - 2).joined(separator: ", ") + ", … \(texts[texts.count - 1])"
    }
}
