import Crypto
import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What every site of a secure sum knows of it, and the server too; all of it follows from the roster.
struct SumGroup: Sendable {
    let settings: SecureSumSettings
    let session: Data
    let roster: SumRoster
    let sites: [String]
    let graph: NeighbourGraph
    /// A hash over everything that is public of the sum: what keys and signatures are bound to.
    let binding: Data
    private let advertisements: [String: Advertisement]

    /// - Throws: `PrivacyError.forged` where a key is not signed by its site, `.refused` where too few would hide an update.
    init(
        _ roster: SumRoster, _ settings: SecureSumSettings, run: String, round: Int, session: Data,
        verifier: any SiteVerifier
    ) throws {
        self.settings = settings
        sites = roster.advertisements.map(\.site)
        guard sites == Set(sites).sorted() else {
            throw PrivacyError.forged("The sites of a secure sum are not each named once and in order.")
        }
        guard settings.form == .masks || sites.count <= LatticeMask.mostSites else {
            throw PrivacyError.setting(
                "A lattice mask holds for \(LatticeMask.mostSites) sites: take the form of masks.")
        }
        for own in roster.advertisements {
            guard
                verifier.isValid(
                    own.signature, of: own.signedBytes(run: run, round: round, session: session), by: own.site)
            else {
                throw PrivacyError.forged(
                    "The keys of \(own.site) for a secure sum are not signed by it. Someone may stand between; let the site join anew if its certificate has changed."
                )
            }
        }
        let weights = sites.map { roster.weights[$0] ?? .nan }
        guard roster.weights.count == sites.count, weights.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw PrivacyError.refused("A secure sum needs a weight for every site, 0 or above.")
        }
        for circle in roster.circles {
            guard circle.members == Set(circle.members).sorted(), circle.members.allSatisfy(sites.contains),
                circle.count >= 0
            else {
                throw PrivacyError.forged(
                    "The tensors of a secure sum are said to be shared by sites that are not in it.")
            }
        }
        var hash = Canonical("secure sum")
        hash.add(run)
        hash.add(round)
        hash.add(session)
        hash.add(settings.agreement)
        hash.add(roster.content.rawValue)
        var keys = SHA256()
        for own in roster.advertisements {
            let bytes = own.signedBytes(run: run, round: round, session: session)
            hash.add(bytes)
            hash.add(roster.weights[own.site] ?? 0)
            keys.update(data: bytes)
        }
        hash.add(roster.circles.count)
        for circle in roster.circles {
            hash.add(circle.count)
            hash.add(circle.members.count)
            for member in circle.members { hash.add(member) }
        }
        binding = Data(SHA256.hash(data: hash.data))
        graph = NeighbourGraph(sites, degree: settings.neighbours, seed: Data(keys.finalize()))
        guard graph.isComplete || roster.circles.allSatisfy({ $0.members == roster.advertisements.map(\.site) }) else {
            throw PrivacyError.setting(
                "Where sites share different tensors, each makes masks with every other: set the neighbours to \(sites.count) or more."
            )
        }
        self.session = session
        self.roster = roster
        advertisements = Dictionary(uniqueKeysWithValues: roster.advertisements.map { ($0.site, $0) })
        try requireEnough(sites)
    }

    static func tooFew(_ count: Int, _ settings: SecureSumSettings) -> PrivacyError {
        .refused(
            "A sum over \(count) sites hides too little: at least \(settings.fewestSites) are needed"
                + (settings.allowsTwoSites ? "." : ", or two where the run and each site allow that."))
    }

    func advertisement(of site: String) throws -> Advertisement {
        guard let found = advertisements[site] else {
            throw PrivacyError.forged("\(site) has no part in this secure sum.")
        }
        return found
    }

    /// How many of the holders of a site's secrets must help.
    func threshold(of site: String) -> Int { settings.shares(of: graph.holders(of: site).count) }

    /// The share of a circle's weights that some of its members have.
    func weight(of part: some Sequence<String>, in circle: SumCircle) -> Double {
        func sum(_ sites: some Sequence<String>) -> Double { sites.reduce(0) { $0 + (roster.weights[$1] ?? 0) } }
        return sum(part.filter(circle.members.contains)) / sum(circle.members)
    }

    /// Whether each of some sites hides among the others in the sum of every tensor. One that weighs nothing hides nobody, and
    /// one that outweighs the others is what the sum shows: weights come from the server.
    func requireEnough(_ survivors: [String]) throws {
        guard survivors.count >= settings.fewestSites else { throw Self.tooFew(survivors.count, settings) }
        for circle in roster.circles {
            let weights = circle.members.filter(survivors.contains).map { roster.weights[$0] ?? 0 }.filter { $0 > 0 }
            guard weights.count >= settings.fewestSites else { throw Self.tooFew(weights.count, settings) }
            let share = (weights.max() ?? 0) / weights.reduce(0, +)
            guard share <= settings.largestShare else {
                throw PrivacyError.refused(
                    "One site has \(Int(share * 100)) % of the weight in a secure sum, which then shows its update. Weigh the sites more alike, or set the largest share above \(settings.largestShare)."
                )
            }
        }
    }

    func fixedPoint(range: Double) -> FixedPoint { FixedPoint(range: range, sites: sites.count) }
}
