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
            guard own.hasKeys else { throw Mask.noKeys(own.site) }
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
            "A sum over \(count) sites hides too little: at least \(max(settings.fewestSites, settings.leastUpdates)) are needed"
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

    /// Whether some sites have enough shares to open the sum over the survivors.
    func canOpen(_ survivors: [String], _ helpers: [String]) -> Bool {
        needed(for: survivors).allSatisfy { owner in
            graph.holders(of: owner).count(where: helpers.contains) >= threshold(of: owner)
        }
    }

    /// Whose masks are left in the sum over the survivors. A site of whose neighbours no update came has masked nothing.
    func needed(for survivors: [String]) -> [String] {
        sites.filter { owner in
            survivors.contains(owner) || graph.holders(of: owner).contains(where: survivors.contains)
        }
    }

    /// The share of a circle's weights that some of its members have.
    func weight(of part: some Sequence<String>, in circle: SumCircle) -> Double {
        func sum(_ sites: some Sequence<String>) -> Double { sites.reduce(0) { $0 + (roster.weights[$1] ?? 0) } }
        return sum(part.filter(circle.members.contains)) / sum(circle.members)
    }

    /// Whether each of some sites hides among the others in the sum of every tensor. One that weighs next to nothing hides
    /// nobody, and one that outweighs the others is what the sum shows.
    ///
    /// Where lost sites leave parts of the graph without masks in common, each part can be opened by itself.
    func requireEnough(_ survivors: [String]) throws {
        guard survivors.count >= max(settings.fewestSites, settings.leastUpdates) else {
            throw Self.tooFew(survivors.count, settings)
        }
        for circle in roster.circles {
            for part in graph.parts(of: circle.members.filter(survivors.contains)) {
                let weights = part.map { roster.weights[$0] ?? 0 }
                let total = weights.reduce(0, +)
                let count = weights.count { $0 > 0 }
                guard count >= settings.fewestSites else { throw Self.tooFew(count, settings) }
                let hiding = weights.count { $0 > 0 && $0 >= total / Double(10 * weights.count) }
                guard hiding >= settings.fewestHiding else { throw Self.tooFew(hiding, settings) }
                let share = (weights.max() ?? 0) / total
                guard share <= settings.largestShare else {
                    throw PrivacyError.refused(
                        "One site has \(Int(share * 100)) % of the weight in a secure sum, which then shows its update. Weigh the sites more alike (weights: uniform), or let the run set largest_share, now \(settings.largestShare), above that."
                    )
                }
            }
            // Who has none of them left has no sum either.
            guard circle.members.contains(where: survivors.contains) else { throw Self.tooFew(0, settings) }
        }
    }

    func fixedPoint(range: Double) -> FixedPoint { FixedPoint(range: range, sites: sites.count) }
}
