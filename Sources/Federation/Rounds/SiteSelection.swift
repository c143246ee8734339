/// Which sites take part in a round.
public enum SiteSelection: Sendable, Equatable, Codable {
    case all
    /// A share of the sites, at least one.
    case fraction(Double)
    case count(Int)
    case named([String])

    /// - Parameter sites: all that are there; the choice depends on their names, the seed and the round alone.
    /// - Throws: `FederationError` where a name is unknown or a number makes no sense.
    public func choose(from sites: [String], round: Int, seed: UInt64) throws -> [String] {
        let sites = sites.sorted()
        let count: Int
        switch self {
        case .all: return sites
        case .named(let names):
            let unknown = names.filter { !sites.contains($0) }
            guard unknown.isEmpty else { throw FederationError.unknownSites(unknown, known: sites) }
            return names.sorted()
        case .fraction(let share):
            guard share > 0, share <= 1 else {
                throw FederationError.setting("A share of the sites lies above 0 and up to 1, not at \(share).")
            }
            count = max(1, Int((share * Double(sites.count)).rounded()))
        case .count(let number):
            guard number > 0 else { throw FederationError.setting("At least one site must take part in a round.") }
            count = min(number, sites.count)
        }
        var generator = SplitMix64(seed: seed &+ UInt64(bitPattern: Int64(round)) &* 0x9e37_79b9_7f4a_7c15)
        return sites.shuffled(using: &generator).prefix(count).sorted()
    }
}
