import Federation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How far a run is: a bar on a terminal, nothing in a log, where every round has its line anyway.
actor RoundBar: RoundObserver {
    private let isTerminal = isatty(2) == 1
    private var rounds = 1

    func observe(_ event: RunEvent) async {
        guard isTerminal else { return }
        switch event {
        case .roundBegins(let round, let count, let sites):
            rounds = count
            show(round, "\(sites.count) sites train")
        case .answerArrived(_, let step, let received, let count):
            StandardError.write("\r\u{1B}[K\(step): \(received) of \(count) sites have answered")
        case .updateArrived(_, let round, let received, let count): show(round, "\(received) of \(count) updates")
        case .aggregating(let round): show(round, "averaging")
        case .validating(let round): show(round, "sites judge the new model")
        case .waiting, .preparing, .siteLeftOut, .roundEnds, .resumed: StandardError.write("\r\u{1B}[K")
        }
    }

    private func show(_ round: Int, _ what: String) {
        let width = 28
        let filled = min(width, max(0, width * (round - 1) / max(1, rounds)))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        StandardError.write("\r\u{1B}[K\(bar) round \(round)/\(rounds): \(what)")
    }
}
