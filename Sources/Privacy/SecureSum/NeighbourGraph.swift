import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Which sites of a secure sum make masks with each other: every two, or each with k others; Bell et al. 2020.
///
/// For k the sites stand in a circle whose order follows from a hash over all their fresh keys, so that nobody chooses it;
/// each has the k/2 next on both sides as its neighbours.
struct NeighbourGraph: Sendable {
    /// Ascending, without the site itself.
    let neighbours: [String: [String]]
    let isComplete: Bool

    /// - Parameters:
    ///   - degree: how many neighbours each site has; one more where it is odd. From the number of others on, all.
    ///   - seed: 32 bytes that everyone knows.
    init(_ sites: [String], degree: Int, seed: Data) {
        let sites = sites.sorted()
        let half = (degree + 1) / 2
        isComplete = 2 * half >= sites.count - 1
        if isComplete {
            neighbours = Dictionary(uniqueKeysWithValues: sites.map { site in (site, sites.filter { $0 != site }) })
            return
        }
        var generator = KeyStream(key: SymmetricKey(data: seed))
        let circle = sites.shuffled(using: &generator)
        neighbours = Dictionary(
            uniqueKeysWithValues: circle.indices.map { place in
                let others = (1...half).flatMap { [place + $0, place - $0 + circle.count] }
                return (circle[place], others.map { circle[$0 % circle.count] }.sorted())
            })
    }

    /// Some sites, put together with those that they make masks with, directly or through others of them.
    func parts(of sites: [String]) -> [[String]] {
        var left = Set(sites)
        return sites.compactMap { first in
            guard left.remove(first) != nil else { return nil }
            var part = [first]
            var next = 0
            while next < part.count {
                for other in neighbours[part[next]] ?? [] where left.remove(other) != nil { part.append(other) }
                next += 1
            }
            return part
        }
    }

    /// Those who hold shares of a site's secrets: its neighbours and itself, ascending.
    func holders(of site: String) -> [String] { ((neighbours[site] ?? []) + [site]).sorted() }
}
