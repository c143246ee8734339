import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A site's half of secure sums, one after the other. It believes the server nothing that another site has not signed.
///
/// Fresh keys for every sum; secrets are in memory alone and go when the update is sealed. What comes twice in a row gets the
/// same answer; what comes out of turn, or belongs to another sum, is refused.
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
        case sealed(SumGroup, [String: HeldShares])
        case voted(SumGroup, [String: HeldShares], survivors: [String])
        case disclosed
    }

    let site: String
    let settings: SecureSumSettings
    private let run: String
    private let signer: any SiteSigner
    private let verifier: any SiteVerifier
    var state = State.idle
    private var round = 0
    private var session = Data()
    private var last: (question: Data, answer: Data)?
    /// Whose updates a round was opened with: a round that is repeated must not tell what another choice would.
    private var opened: [Int: [String]] = [:]

    init(
        _ site: String, _ settings: SecureSumSettings, run: String, signer: any SiteSigner, verifier: any SiteVerifier
    ) {
        (self.site, self.settings, self.run, self.signer, self.verifier) = (site, settings, run, signer, verifier)
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
            state = .ready(keys, group, own: tensors, try open(sealed, keys, group, held))
            return Data()
        case (.survivors(let survivors), .sealed(let group, let held)):
            return try Data(message: vote(survivors, group, held))
        case (.survivors, .voted(let group, _, let survivors)):
            // Of one sum only one choice is signed.
            return try Data(message: signed(survivors, group))
        case (.disclosure(let votes), .voted(let group, let held, let survivors)):
            return try Data(message: disclose(votes, group, held, survivors))
        default:
            throw PrivacyError.forged(
                "A message of a secure sum came out of turn, or a second time. Nothing was done with it.")
        }
    }

    /// The round of an update that is to be sealed must be that of the sum.
    func requireRound(_ number: Int) throws {
        guard round == number else {
            throw PrivacyError.refused(
                "No keys were agreed upon for a secure sum in round \(number): the site sits this round out.")
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
        // What the sum is said to hold of this site, it must really hold: else fewer sites hide in it than it seems.
        guard tensors.count == roster.circles.count,
            zip(tensors, roster.circles).allSatisfy({ tensors, circle in
                tensors.allSatisfy { $0.shape.allSatisfy { $0 >= 0 } }
                    && (circle.members.contains(site)
                        ? tensors.reduce(0) { $0 + $1.count } == circle.count : tensors.isEmpty)
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
    private func open(
        _ sealed: [String: Data], _ keys: Keys, _ group: SumGroup, _ held: [String: HeldShares]
    ) throws -> [String: HeldShares] {
        guard sealed.keys.sorted() == group.graph.neighbours[site] else {
            throw PrivacyError.forged("Shares came from other sites than the neighbours of \(site) in a secure sum.")
        }
        var held = held
        for (sender, data) in sealed {
            let cipher = try Mask.cipherKey(keys.cipher, with: sender, from: sender, to: site, group)
            guard let box = try? AES.GCM.SealedBox(combined: data),
                let plain = try? AES.GCM.open(box, using: cipher, authenticating: group.binding),
                plain.count == 2 * HeldShares.length
            else {
                throw PrivacyError.forged(
                    "The shares of \(sender) for \(site) are not as it sent them, or of another secure sum.")
            }
            held[sender] = HeldShares(
                seed: Data(plain.prefix(HeldShares.length)), key: Data(plain.suffix(HeldShares.length)))
        }
        return held
    }

    // MARK: After training

    private func vote(_ survivors: [String], _ group: SumGroup, _ held: [String: HeldShares]) throws -> SurvivorVote {
        // Where the round was opened before, only the same may be opened again.
        let survivors = opened[round] ?? survivors
        guard survivors == Set(survivors).sorted(), survivors.contains(site), survivors.allSatisfy(group.sites.contains)
        else {
            throw PrivacyError.forged(
                opened[round] == nil
                    ? "The server names other sites than those of the secure sum, or leaves out \(site), whose update it asks to open."
                    : "Round \(round) was opened before with the updates of other sites. To open it with these would tell single updates."
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
        opened[round] = survivors
        state = .disclosed
        return disclosure
    }
}
