import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Before training: keys from every site, the roster to all, and shares of secrets from each to its neighbours.
///
/// A site that is lost, or whose answer is wrong, is left out, and the others begin again with fresh keys.
struct SumAgreement: Preparation {
    let filter: String
    let collector: SumCollector
    let sealed: SealedRound

    private enum Step {
        case begin
        case keys
        case roster(SumGroup, SumLayout)
        case shares(SumGroup, SumLayout)
    }
    private var step = Step.begin
    private var session = Data()
    private var excluded: Set<String> = []

    init(_ filter: String, _ collector: SumCollector, _ sealed: SealedRound) {
        (self.filter, self.collector, self.sealed) = (filter, collector, sealed)
    }

    var name: String { "agreeing on masks" }
    var round: Int { sealed.round }
    var addressee: Question.Addressee { .filter(filter) }

    mutating func next(_ answers: [String: Data], sites: [String]) throws -> [String: Data]? {
        switch step {
        case .begin: return try begin(with: sites)
        case .keys:
            let advertisements = answers.sorted { $0.key < $1.key }.compactMap { site, data -> Advertisement? in
                guard let own = try? data.message(Advertisement.self, from: site), own.site == site,
                    collector.verifier.isValid(
                        own.signature, of: own.signedBytes(run: collector.run, round: round, session: session), by: site
                    )
                else { return nil }
                return own
            }
            let members = advertisements.map(\.site)
            excluded.formUnion(Set(answers.keys).subtracting(members))
            let layout = SumLayout(sealed.plan, sites: members)
            try layout.requireEnough(collector.settings)
            let roster = SumRoster(
                advertisements: advertisements,
                weights: Dictionary(uniqueKeysWithValues: members.map { ($0, sealed.weights[$0] ?? 0) }),
                circles: layout.circles, content: sealed.content)
            let group = try SumGroup(
                roster, collector.settings, run: collector.run, round: round, session: session,
                verifier: collector.verifier)
            step = .roster(group, layout)
            return try members.questions { try question(.roster(roster, own: layout.tensors(of: $0))) }
        case .roster(let group, let layout):
            var sealed: [String: [String: Data]] = [:]
            for (site, data) in answers {
                guard let shares = try? data.message([String: Data].self, from: site),
                    shares.keys.sorted() == group.graph.neighbours[site]
                else {
                    excluded.insert(site)
                    continue
                }
                for (recipient, share) in shares { sealed[recipient, default: [:]][site] = share }
            }
            guard group.sites.allSatisfy({ !excluded.contains($0) }) else { return try begin(with: sites) }
            step = .shares(group, layout)
            return try group.sites.questions { try question(.shares(sealed[$0] ?? [:])) }
        case .shares(let group, let layout):
            collector.agreed(group, layout, round: round)
            return nil
        }
    }

    /// The session follows from who is asked: a server that was interrupted asks the same again, and finds the answers.
    private mutating func begin(with sites: [String]) throws -> [String: Data] {
        let asked = sites.filter { !excluded.contains($0) }.sorted()
        var bytes = Canonical("secure sum: session")
        bytes.add(collector.run)
        bytes.add(round)
        for site in asked { bytes.add(site) }
        session = Data(SHA256.hash(data: bytes.data))
        step = .keys
        return try asked.questions { _ in try question(.keys) }
    }

    private func question(_ stage: SumQuestion.Stage) throws -> Data {
        try Data(message: SumQuestion(round: round, session: session, stage: stage))
    }
}

/// After training: the sites agree on whose updates are opened, and disclose what takes their masks away.
///
/// A site that is lost here has sent its update, which is opened all the same as long as enough others help.
struct SumDisclosure: Preparation {
    let filter: String
    let collector: SumCollector
    let round: Int

    private enum Step {
        case begin
        case votes(asked: [String], isLast: Bool)
        case disclosures([String])
    }
    private var step = Step.begin
    private var arrived: [String] = []

    init(_ filter: String, _ collector: SumCollector, round: Int) {
        (self.filter, self.collector, self.round) = (filter, collector, round)
    }

    var name: String { "opening the sum" }
    var addressee: Question.Addressee { .filter(filter) }
    var goesOnWithoutLostSites: Bool { true }

    mutating func next(_ answers: [String: Data], sites: [String]) throws -> [String: Data]? {
        let group = try collector.group(round: round)
        switch step {
        case .begin:
            arrived = sites.filter(group.sites.contains).sorted()
            return try ask(arrived, group, isLast: false)
        case .votes(let asked, let isLast):
            let votes = answers.reduce(into: [String: SurvivorVote]()) { votes, answer in
                guard let vote = try? answer.value.message(SurvivorVote.self, from: answer.key),
                    collector.verifier.isValid(
                        vote.signature, of: SurvivorVote.signedBytes(vote.survivors, of: group.binding), by: answer.key)
                else { return }
                votes[answer.key] = vote
            }
            // Sites that have opened this round before stand by their choice.
            let others = Set(votes.values.map(\.survivors)).subtracting([asked])
            if !isLast, let choice = others.min(by: { $0.lexicographicallyPrecedes($1) }),
                choice.allSatisfy(arrived.contains)
            {
                return try ask(choice, group, isLast: true)
            }
            let same = votes.filter { $0.value.survivors == asked && asked.contains($0.key) }
            step = .disclosures(asked)
            return try same.keys.sorted().questions { _ in try question(.disclosure(same), group) }
        case .disclosures(let survivors):
            collector.disclosed(
                answers.compactMapValues { try? $0.message(Disclosure.self, from: "a site") }, survivors: survivors)
            return nil
        }
    }

    private mutating func ask(_ survivors: [String], _ group: SumGroup, isLast: Bool) throws -> [String: Data] {
        try group.requireEnough(survivors)
        step = .votes(asked: survivors, isLast: isLast)
        return try survivors.questions { _ in try question(.survivors(survivors), group) }
    }

    private func question(_ stage: SumQuestion.Stage, _ group: SumGroup) throws -> Data {
        try Data(message: SumQuestion(round: round, session: group.session, stage: stage))
    }
}

extension [String] {
    /// A question for every site.
    fileprivate func questions(_ question: (String) throws -> Data) rethrows -> [String: Data] {
        Dictionary(uniqueKeysWithValues: try map { ($0, try question($0)) })
    }
}
