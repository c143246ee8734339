/// The weighted mean of models or differences, in double precision: FedAvg; McMahan et al. 2017, arXiv:1602.05629.
///
/// A tensor that only some sites hold is averaged over them, their weights scaled to add up to 1.
public struct WeightedMean: Aggregator {
    public var readsSingleUpdates: Bool { false }

    public init() {}

    public func combine(_ contributions: [Contribution], plan: SharingPlan, global: Weights) throws -> Weights {
        var members = ShareMembers.all(of: plan, in: contributions)
        let weights = members.map { member in
            SiteWeighting.shares(member.contributions.map { contributions[$0].weight }) ?? []
        }
        // Where all weights are 0, the tensor stays as it was.
        for index in members.indices where weights[index].isEmpty { members[index] = ShareMembers() }
        // So many updates are read at once; a scratch tile for each, and one for the sums.
        let group = 16
        return try combineTiles(plan: plan, global: global, members: members, scratchTiles: group + 1) {
            share, range, scratch, output in
            let tensor = plan.shares[share].tensor
            let width = tensor.type.byteCount
            let bytes = range.lowerBound * width..<range.upperBound * width
            let sums = scratch.baseAddress!.assumingMemoryBound(to: Double.self)
            sums.update(repeating: 0, count: range.count)
            let buffer = UnsafeMutableRawBufferPointer(rebasing: scratch[(tileElements * 8)...])
            let member = members[share]
            for first in stride(from: 0, to: member.contributions.count, by: group) {
                let part = first..<min(first + group, member.contributions.count)
                try withRows(of: contributions, member, part, bytes, scratch: buffer) {
                    tensor.type.accumulate($0, weights: weights[share][part], into: sums)
                }
            }
            var weightOfDifferences = 0.0
            for (index, weight) in zip(member.contributions, weights[share])
            where contributions[index].content == .difference && tensor.type == .float32 {
                weightOfDifferences += weight
            }
            if weightOfDifferences > 0, let before = global[tensor.name] {
                tensor.type.accumulate(
                    [UnsafeRawBufferPointer(rebasing: before.bytes[bytes])], weights: [weightOfDifferences], into: sums)
            }
            tensor.type.store(sums, count: range.count, to: output)
        }
    }
}

/// Calls `body` with the same bytes of one tensor from some of the contributions that hold it, all at once.
private func withRows(
    of contributions: [Contribution], _ member: ShareMembers, _ part: Range<Int>, _ bytes: Range<Int>,
    scratch: UnsafeMutableRawBufferPointer, _ body: ([UnsafeRawBufferPointer]) throws -> Void
) throws {
    var rows: [UnsafeRawBufferPointer] = []
    func addRow(_ position: Int) throws {
        guard position < part.upperBound else { return try body(rows) }
        let own = UnsafeMutableRawBufferPointer(rebasing: scratch[(rows.count * bytes.count)...])
        let source = contributions[member.contributions[position]].tensors
        try source.withBytes(of: member.tensors[position], in: bytes, scratch: own) {
            rows.append($0)
            try addRow(position + 1)
        }
    }
    try addRow(part.lowerBound)
}
