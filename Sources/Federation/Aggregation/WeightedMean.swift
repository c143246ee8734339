/// The weighted mean of models or differences, in double precision: FedAvg; McMahan et al. 2017, arXiv:1602.05629.
///
/// A tensor that only some sites hold is averaged over them, their weights scaled to add up to 1.
public struct WeightedMean: Aggregator {
    public init() {}

    public func combine(_ contributions: [Contribution], plan: SharingPlan, global: Weights) throws -> Weights {
        var members = ShareMembers.all(of: plan, in: contributions)
        let weights = members.map { member in
            SiteWeighting.shares(member.contributions.map { contributions[$0].weight }) ?? []
        }
        // Where all weights are 0, the tensor stays as it was.
        for index in members.indices where weights[index].isEmpty { members[index] = ShareMembers() }
        return try combineTiles(plan: plan, global: global, members: members, scratchTiles: 2) {
            share, range, scratch, output in
            let tensor = plan.shares[share].tensor
            let width = tensor.type.byteCount
            let bytes = range.lowerBound * width..<range.upperBound * width
            let sums = scratch.baseAddress!.assumingMemoryBound(to: Double.self)
            sums.update(repeating: 0, count: range.count)
            let buffer = UnsafeMutableRawBufferPointer(rebasing: scratch[(tileElements * 8)...])
            var weightOfDifferences = 0.0
            let member = members[share]
            for (position, index) in member.contributions.enumerated() {
                let weight = weights[share][position]
                if contributions[index].content == .difference { weightOfDifferences += weight }
                try contributions[index].tensors.withBytes(of: member.tensors[position], in: bytes, scratch: buffer) {
                    tensor.type.accumulate($0, weight: weight, into: sums)
                }
            }
            if weightOfDifferences > 0, let before = global[tensor.name] {
                tensor.type.accumulate(
                    UnsafeRawBufferPointer(rebasing: before.bytes[bytes]), weight: weightOfDifferences, into: sums)
            }
            tensor.type.store(sums, count: range.count, to: output)
        }
    }
}
