import Synchronization

/// The mean of the updates that lie nearest to their neighbours: Blanchard et al. 2017, arXiv:1703.02757.
///
/// Sites are compared over the tensors that all of them hold. Every update must be there before the first is chosen.
public struct Krum: Aggregator, Equatable {
    /// Sites that may be wrong or hostile.
    public var faulty: Int
    /// Updates that are chosen and averaged, each alike; 1 is Krum, more is Multi-Krum.
    public var chosen: Int

    public init(faulty: Int, chosen: Int = 1) {
        self.faulty = faulty
        self.chosen = chosen
    }

    public var fewestUpdates: Int { max(2 * faulty + 3, chosen + faulty) }

    public func combine(_ contributions: [Contribution], plan: SharingPlan, global: Weights) throws -> Weights {
        let count = contributions.count
        guard faulty >= 0, chosen >= 1, count >= 2 * faulty + 3, chosen <= count - faulty else {
            throw FederationError.setting(
                "Krum with \(faulty) faulty sites needs at least \(2 * faulty + 3) updates and can choose "
                    + "\(max(1, count - faulty)) of \(count); it has \(count) and is to choose \(chosen).")
        }
        let distances = try squaredDistances(contributions, plan: plan, global: global)
        let scores = (0..<count).map { site in
            let others = (0..<count).filter { $0 != site }.map { distances[site * count + $0] }.sorted()
            return others.prefix(count - faulty - 2).reduce(0, +)
        }
        // Equal scores: the first by name.
        let best = (0..<count).sorted { (scores[$0], $0) < (scores[$1], $1) }.prefix(chosen).sorted()
        let alike = best.map { index in
            var contribution = contributions[index]
            contribution.weight = SiteWeighting.Weight(group: "", groupWeight: nil, value: 1)
            return contribution
        }
        return try WeightedMean().combine(alike, plan: plan, global: global)
    }

    /// Between all pairs of sites. Sums are made tile by tile and added in the tiles' order.
    private func squaredDistances(_ contributions: [Contribution], plan: SharingPlan, global: Weights) throws
        -> [Double]
    {
        let count = contributions.count
        let members = ShareMembers.all(of: plan, in: contributions)
        let common = plan.shares.indices.filter { members[$0].contributions.count == count }
        guard !common.isEmpty else {
            throw FederationError.incompatibleSites(
                "Krum compares sites, and they have no tensor that all of them hold.")
        }
        let descriptions = common.map { plan.shares[$0].tensor }
        let tiles = Mutex<[(tensor: Int, start: Int, sums: [Double])]>([])
        let rowTiles = scratchTiles(forRows: count)
        try forEachTile(descriptions, scratchTiles: rowTiles + 1) { index, range, scratch in
            let rows = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
            let spare = UnsafeMutableRawBufferPointer(rebasing: scratch[(rowTiles * tileElements * 8)...])
            try loadRows(
                contributions, members[common[index]], descriptions[index], range, global: global, rows: rows,
                spare: spare)
            var sums = [Double](repeating: 0, count: count * count)
            for a in 0..<count {
                for b in a + 1..<count {
                    let distance = squaredDistance(rows + a * rowStride, rows + b * rowStride, range.count)
                    sums[a * count + b] = distance
                    sums[b * count + a] = distance
                }
            }
            tiles.withLock { $0.append((index, range.lowerBound, sums)) }
        }
        var total = [Double](repeating: 0, count: count * count)
        for tile in tiles.withLock({ $0 }).sorted(by: { ($0.tensor, $0.start) < ($1.tensor, $1.start) }) {
            for i in total.indices { total[i] += tile.sums[i] }
        }
        return total
    }

    private func squaredDistance(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Double {
        // Eight sums side by side, so that they vectorise, added up in a fixed order.
        var sums = SIMD8<Float>.zero
        var i = 0
        while i + 8 <= count {
            let difference =
                UnsafeRawPointer(a + i).loadUnaligned(as: SIMD8<Float>.self)
                - UnsafeRawPointer(b + i).loadUnaligned(as: SIMD8<Float>.self)
            sums += difference * difference
            i += 8
        }
        var total = (0..<8).reduce(0.0) { $0 + Double(sums[$1]) }
        while i < count {
            total += Double(a[i] - b[i]) * Double(a[i] - b[i])
            i += 1
        }
        return total
    }
}
