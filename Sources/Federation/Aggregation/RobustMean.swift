/// Means that a few wrong or hostile sites cannot move far. Every site counts alike, and every update must be there
/// before the first tile is made. Yin et al. 2018, arXiv:1803.01498.
public enum RobustMean: Aggregator, Equatable {
    /// The median of every number; the mean of the middle two where sites are even in number.
    case coordinateMedian
    /// The mean of every number without the given share of the lowest and of the highest values.
    case trimmed(share: Double)

    public func combine(_ contributions: [Contribution], plan: SharingPlan, global: Weights) throws -> Weights {
        if case .trimmed(let share) = self, !(share >= 0 && share < 0.5) {
            throw FederationError.setting(
                "A trimmed mean leaves out a share of 0 to below 0.5 at each end, not \(share).")
        }
        let members = ShareMembers.all(of: plan, in: contributions)
        let most = members.map(\.contributions.count).max() ?? 0
        let networks = (0...most).map { SortingNetwork($0, keeping: middle(of: $0)) }
        let rowTiles = scratchTiles(forRows: most)
        return try combineTiles(plan: plan, global: global, members: members, scratchTiles: rowTiles + 1) {
            share, range, scratch, output in
            let tensor = plan.shares[share].tensor
            let member = members[share]
            let count = member.contributions.count
            // Rows of float32, one for each site, then a row of doubles for the result.
            let rows = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
            let spare = UnsafeMutableRawBufferPointer(rebasing: scratch[(rowTiles * tileElements * 8)...])
            try loadRows(contributions, member, tensor, range, global: global, rows: rows, spare: spare)
            networks[count].sort(rows, stride: rowStride, columns: range.count)
            let middle = middle(of: count)
            let sums = spare.baseAddress!.assumingMemoryBound(to: Double.self)
            sums.update(repeating: 0, count: range.count)
            ScalarType.float32.accumulate(
                middle.map { UnsafeRawBufferPointer(start: rows + $0 * rowStride, count: range.count * 4) },
                weights: middle.map { _ in 1 }, into: sums)
            let scale = 1 / Double(middle.count)
            for i in 0..<range.count { sums[i] *= scale }
            tensor.type.store(sums, count: range.count, to: output)
        }
    }

    /// The sorted values that are averaged.
    private func middle(of count: Int) -> Range<Int> {
        switch self {
        case .coordinateMedian: return (count - 1) / 2..<count / 2 + 1
        case .trimmed(let share):
            let cut = Int(share * Double(count))
            return cut..<count - cut
        }
    }
}

/// From one row of float32 to the next: not by a power of two, lest they compete for the same places of the cache.
let rowStride = tileElements + 16

func scratchTiles(forRows count: Int) -> Int { (count * rowStride * 4 + tileElements * 8 - 1) / (tileElements * 8) }

/// One tile of a tensor from every site that holds it, as models in float32: row by row, `rowStride` apart.
func loadRows(
    _ contributions: [Contribution], _ member: ShareMembers, _ tensor: TensorDescription, _ range: Range<Int>,
    global: Weights, rows: UnsafeMutablePointer<Float>, spare: UnsafeMutableRawBufferPointer
) throws {
    let width = tensor.type.byteCount
    let bytes = range.lowerBound * width..<range.upperBound * width
    for (position, index) in member.contributions.enumerated() {
        let row = rows + position * rowStride
        try contributions[index].tensors.withBytes(of: member.tensors[position], in: bytes, scratch: spare) {
            tensor.type.load($0, into: row)
        }
        guard contributions[index].content == .difference, tensor.type == .float32, let before = global[tensor.name]
        else { continue }
        let base = spare.baseAddress!.assumingMemoryBound(to: Float.self)
        tensor.type.load(UnsafeRawBufferPointer(rebasing: before.bytes[bytes]), into: base)
        for i in 0..<range.count { row[i] += base[i] }
    }
}
