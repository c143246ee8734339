import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A site's half of secure sums, one after the other. It believes the server nothing that another site has not signed.
///
/// Fresh keys for every sum; secrets are in memory alone and go when the update is sealed, shares of others' with the next sum.
/// What comes twice in a row gets the same answer; what comes out of turn, or belongs to another sum, is refused.
actor SumParticipant {
    struct Keys: Sendable {
        let mask = Curve25519.KeyAgreement.PrivateKey()
        let cipher = Curve25519.KeyAgreement.PrivateKey()
        let seed = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
    }

    /// Shares that a site holds of one site's secrets.
    struct HeldShares: Sendable {
        static let length = 32
        var seed: Data
        var key: Data
    }

    enum State {
        case idle
        case advertised(Keys, Advertisement)
        case shared(Keys, SumGroup, own: [[TensorDescription]], [String: HeldShares])
        case ready(Keys, SumGroup, own: [[TensorDescription]], [String: HeldShares])
        case training(Keys, SumGroup, own: [[TensorDescription]], [String: HeldShares], TrainingStatement)
        case sealed(SumGroup, [String: HeldShares], TrainingStatement)
        /// Of one sum one choice is signed, and told of as often as it is asked for.
        case voted(SumGroup, [String: HeldShares], survivors: [String])
    }

    let site: String
    let settings: SecureSumSettings
    let weighting: SiteWeighting
    private let run: String
    let signer: any SiteSigner
    private let verifier: any SiteVerifier
    var state = State.idle
    private(set) var round = 0
    private var session = Data()
    private var last: (question: Data, answer: Data)?
    private var opened: OpenedRounds

    init(
        _ site: String, _ settings: SecureSumSettings, run: String, weighting: SiteWeighting, opened: OpenedRounds,
        signer: any SiteSigner, verifier: any SiteVerifier
    ) {
        (self.site, self.settings, self.run, self.weighting) = (site, settings, run, weighting)
        (self.opened, self.signer, self.verifier) = (opened, signer, verifier)
    }

    func answer(_ data: Data) throws -> Data {
        if let last, last.question == data { return last.answer }
        let question = try data.message(SumQuestion.self, from: "the server")
        let answer = try answer(question)
        last = (data, answer)
        return answer
    }

    private func answer(_ question: SumQuestion) throws -> Data {
        if case .keys = question.stage {
            (round, session) = (question.round, question.session)
            return try Data(message: advertise())
        }
        guard question.round == round, question.session == session else {
            throw PrivacyError.forged(
                "A message of another secure sum came, of round \(question.round). Nothing was done with it.")
        }
        switch (question.stage, state) {
        case (.roster(let roster, let tensors), .advertised(let keys, let own)):
            return try Data(message: share(keys, own, roster, tensors))
        case (.shares(let sealed), .shared(let keys, let group, let tensors, let held)):
            let (held, wrong) = try open(sealed, keys, group, held)
            state = wrong.isEmpty ? .ready(keys, group, own: tensors, held) : .idle
            return try Data(message: wrong)
        case (.survivors(let statements), .sealed(let group, let held, let own)):
            return try Data(message: vote(statements, own, group, held))
        case (.survivors, .voted(let group, _, let survivors)):
            return try Data(message: signed(survivors, group))
        case (.disclosure(let votes), .voted(let group, let held, let survivors)):
            return try Data(message: disclose(votes, group, held, survivors))
        default:
            throw PrivacyError.forged(
                "A message of a secure sum came out of turn, or a second time. Nothing was done with it.")
        }
    }

    // MARK: Before training

    private func advertise() throws -> Advertisement {
        let keys = Keys()
        var own = Advertisement(
            site: site, maskKey: keys.mask.publicKey.rawRepresentation,
            cipherKey: keys.cipher.publicKey.rawRepresentation, seedDigest: Data(SHA256.hash(data: keys.seed)))
        own.signature = try signer.sign(own.signedBytes(run: run, round: round, session: session))
        state = .advertised(keys, own)
        return own
    }

    /// Shares the own secrets among the neighbours and itself.
    private func share(
        _ keys: Keys, _ own: Advertisement, _ roster: SumRoster, _ tensors: [[TensorDescription]]
    ) throws -> [String: Data] {
        let group = try SumGroup(roster, settings, run: run, round: round, session: session, verifier: verifier)
        guard try group.advertisement(of: site) == own else {
            throw PrivacyError.forged("The server gives out other keys of \(site) than it made.")
        }
        try weighting.requireWeights(roster.weights)
        // What the sum is said to hold of this site, it must really hold: else fewer sites hide in it than it seems.
        guard tensors.count == roster.circles.count,
            zip(tensors, roster.circles).allSatisfy({ tensors, circle in
                circle.members.contains(site)
                    ? tensors.reduce(0) { $0 + $1.count } == circle.count : tensors.isEmpty
            })
        else {
            throw PrivacyError.forged("The server says of \(site) that it shares other tensors than it is to send.")
        }
        let holders = group.graph.holders(of: site)
        var generator = KeyStream()
        let threshold = group.threshold(of: site)
        let seeds = SecretSharing.split(
            [UInt8](keys.seed), threshold: threshold, into: holders.count, using: &generator)
        let masks = SecretSharing.split(
            [UInt8](keys.mask.rawRepresentation), threshold: threshold, into: holders.count, using: &generator)
        var held: [String: HeldShares] = [:]
        var sealed: [String: Data] = [:]
        for (place, holder) in holders.enumerated() {
            let (seed, key) = (Data(seeds[place].bytes), Data(masks[place].bytes))
            if holder == site {
                held[site] = HeldShares(seed: seed, key: key)
            } else {
                let cipher = try Mask.cipherKey(keys.cipher, with: holder, from: site, to: holder, group)
                sealed[holder] = try AES.GCM.seal(seed + key, using: cipher, authenticating: group.binding).combined
            }
        }
        state = .shared(keys, group, own: tensors, held)
        return sealed
    }

    /// Opens what the neighbours sealed.
    ///
    /// - Returns: the shares, and whose are not as a site sends them, or are of another sum.
    private func open(
        _ sealed: [String: Data], _ keys: Keys, _ group: SumGroup, _ held: [String: HeldShares]
    ) throws -> ([String: HeldShares], wrong: [String]) {
        guard sealed.keys.sorted() == group.graph.neighbours[site] else {
            throw PrivacyError.forged("Shares came from other sites than the neighbours of \(site) in a secure sum.")
        }
        var held = held
        var wrong: [String] = []
        for (sender, data) in sealed.sorted(by: { $0.key < $1.key }) {
            let cipher = try Mask.cipherKey(keys.cipher, with: sender, from: sender, to: site, group)
            guard let box = try? AES.GCM.SealedBox(combined: data),
                let plain = try? AES.GCM.open(box, using: cipher, authenticating: group.binding),
                plain.count == 2 * HeldShares.length
            else {
                wrong.append(sender)
                continue
            }
            held[sender] = HeldShares(
                seed: Data(plain.prefix(HeldShares.length)), key: Data(plain.suffix(HeldShares.length)))
        }
        return (held, wrong)
    }

    // MARK: After training

    private func vote(
        _ statements: [TrainingStatement], _ own: TrainingStatement, _ group: SumGroup, _ held: [String: HeldShares]
    ) throws -> SurvivorVote {
        let named = statements.map(\.site)
        guard named == Set(named).sorted(), statements.contains(own), named.allSatisfy(group.sites.contains) else {
            throw PrivacyError.forged(
                "The server names other sites than those of the secure sum, or leaves out \(site), whose update it asks to open."
            )
        }
        // Where the round was opened before, only the same may be opened again.
        let before = try opened.survivors(of: round)
        let survivors = before ?? named
        guard survivors.contains(site), survivors.allSatisfy(named.contains) else {
            throw PrivacyError.forged(
                "Round \(round) was opened before with the updates of other sites. To open it with these would tell single updates."
            )
        }
        let part = statements.filter { survivors.contains($0.site) }
        if let other = part.first(where: { !group.isValid($0, verifier) }) {
            throw PrivacyError.forged("What \(other.site) says of its training in a secure sum is not signed by it.")
        }
        guard group.alike(part) == survivors else {
            throw PrivacyError.forged(
                "The sites of a secure sum were given different models or tasks to train on, so that their sum may show one of them. Nothing is opened; ask the people of the server."
            )
        }
        try group.requireEnough(survivors)
        let vote = try signed(survivors, group)
        state = .voted(group, held, survivors: survivors)
        return vote
    }

    private func signed(_ survivors: [String], _ group: SumGroup) throws -> SurvivorVote {
        SurvivorVote(
            survivors: survivors, signature: try signer.sign(SurvivorVote.signedBytes(survivors, of: group.binding)))
    }

    /// Of each site that it holds shares of, a site gives one and only one: what makes the mask to take away.
    private func disclose(
        _ votes: [String: SurvivorVote], _ group: SumGroup, _ held: [String: HeldShares], _ survivors: [String]
    ) throws -> Disclosure {
        for (voter, vote) in votes {
            guard vote.survivors == survivors, survivors.contains(voter),
                verifier.isValid(
                    vote.signature, of: SurvivorVote.signedBytes(survivors, of: group.binding), by: voter)
            else {
                throw PrivacyError.forged(
                    "\(voter) has not signed that the same updates are opened as \(site) has. The server may have told sites different things."
                )
            }
        }
        let voters = group.graph.holders(of: site).filter { votes[$0] != nil }.count
        guard voters >= group.threshold(of: site) else {
            throw PrivacyError.refused(
                "\(voters) sites agree on which updates to open, and \(group.threshold(of: site)) are needed. Let more sites take part, or lower the threshold."
            )
        }
        var disclosure = Disclosure(seeds: [:], keys: [:])
        for (owner, shares) in held {
            if survivors.contains(owner) {
                disclosure.seeds[owner] = shares.seed
            } else {
                disclosure.keys[owner] = shares.key
            }
        }
        guard try opened.survivors(of: round) ?? survivors == survivors else {
            throw PrivacyError.forged(
                "Round \(round) was opened before with the updates of other sites. To open it with these would tell single updates."
            )
        }
        try opened.keep(survivors, of: round)
        return disclosure
    }
}
