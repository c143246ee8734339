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
                guard let own = try? data.message(Advertisement.self, from: site), own.site == site, own.hasKeys,
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
            exclude(answers, group)
            guard group.sites.allSatisfy({ !excluded.contains($0) }) else { return try begin(with: sites) }
            collector.agreed(group, layout, round: round)
            return nil
        }
    }

    /// The session is another one every time: a server that was interrupted, or lost a site, must not find answers to an
    /// earlier question, since sites have let go of those keys.
    private mutating func begin(with sites: [String]) throws -> [String: Data] {
        let asked = sites.filter { !excluded.contains($0) }.sorted()
        session = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        step = .keys
        return try asked.questions { _ in try question(.keys) }
    }

    /// Leaves out who is to blame for shares that cannot be opened. One whom more than half of its neighbours name; where
    /// fewer do, nobody knows which of the two is wrong: it goes with one of them, so that no site can make more than one
    /// other leave.
    private mutating func exclude(_ answers: [String: Data], _ group: SumGroup) {
        var accusers: [String: [String]] = [:]
        for (site, data) in answers.sorted(by: { $0.key < $1.key }) {
            let neighbours = group.graph.neighbours[site] ?? []
            guard let wrong = try? data.message([String].self, from: site), wrong.allSatisfy(neighbours.contains) else {
                excluded.insert(site)
                continue
            }
            for other in Set(wrong) { accusers[other, default: []].append(site) }
        }
        for (site, others) in accusers where 2 * others.count > (group.graph.neighbours[site] ?? []).count {
            excluded.insert(site)
        }
        for (site, others) in accusers.sorted(by: { $0.key < $1.key }) where !excluded.contains(site) {
            guard let other = others.first(where: { !excluded.contains($0) }) else { continue }
            excluded.formUnion([site, other])
        }
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
        case votes(asked: [String])
        case disclosures([String])
    }
    private var step = Step.begin

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
            // A site that says that it trained on something else than the others is not opened with them.
            let statements = collector.statements(of: sites)
            let asked = group.alike(statements)
            try group.requireEnough(asked)
            step = .votes(asked: asked)
            let alike = statements.filter { asked.contains($0.site) }
            return try asked.questions { _ in try question(.survivors(alike), group) }
        case .votes(let asked):
            let votes = answers.reduce(into: [String: SurvivorVote]()) { votes, answer in
                guard let vote = try? answer.value.message(SurvivorVote.self, from: answer.key),
                    collector.verifier.isValid(
                        vote.signature, of: SurvivorVote.signedBytes(vote.survivors, of: group.binding), by: answer.key)
                else { return }
                votes[answer.key] = vote
            }
            // Sites that have opened this round before stand by their choice. As more than half of the holders of every
            // secret must be of one mind, no two choices can be opened.
            let choices = Set(votes.values.map(\.survivors)).filter { $0.allSatisfy(asked.contains) }
            func voters(for choice: [String]) -> [String: SurvivorVote] {
                votes.filter { $0.value.survivors == choice && choice.contains($0.key) }
            }
            let choice = choices.first { group.canOpen($0, voters(for: $0).keys.sorted()) } ?? asked
            try group.requireEnough(choice)
            let same = voters(for: choice)
            step = .disclosures(choice)
            return try same.keys.sorted().questions { _ in try question(.disclosure(same), group) }
        case .disclosures(let survivors):
            collector.disclosed(
                answers.compactMapValues { try? $0.message(Disclosure.self, from: "a site") }, survivors: survivors)
            return nil
        }
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
