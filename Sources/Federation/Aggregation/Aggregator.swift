/// Makes one model of many: a mean, or what stands in for it.
///
/// What comes out depends on the contributions alone, bit for bit, and not on the order in which they arrived.
public protocol Aggregator: Sendable {
    /// Updates that it needs.
    var fewestUpdates: Int { get }
    /// Whether it compares updates with each other, and so cannot work on their mean. True unless it says otherwise.
    var readsSingleUpdates: Bool { get }
    /// - Parameters:
    ///   - contributions: checked, in the order of the sites' names.
    ///   - global: the model that the sites were sent, under the plan's names.
    /// - Returns: every tensor of the plan; those that no contribution holds are as they were.
    func combine(_ contributions: [Contribution], plan: SharingPlan, global: Weights) throws -> Weights
}

extension Aggregator {
    public var fewestUpdates: Int { 1 }
    public var readsSingleUpdates: Bool { true }
}

/// The contributions that hold one of the plan's tensors.
struct ShareMembers {
    /// Of the contributions, ascending.
    var contributions: [Int] = []
    /// The tensor's index in each.
    var tensors: [Int] = []

    static func all(of plan: SharingPlan, in contributions: [Contribution]) -> [ShareMembers] {
        let positions = contributions.map { contribution in
            Dictionary(
                contribution.tensors.descriptions.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
        }
        return plan.shares.map { share in
            var members = ShareMembers()
            for (index, contribution) in contributions.enumerated() {
                guard let name = share.members[contribution.site.name], let tensor = positions[index][name] else {
                    continue
                }
                members.contributions.append(index)
                members.tensors.append(tensor)
            }
            return members
        }
    }
}

/// Makes the plan's tensors tile by tile. Those without members keep the global value.
func combineTiles(
    plan: SharingPlan, global: Weights, members: [ShareMembers], scratchTiles: Int,
    _ body: (_ share: Int, Range<Int>, UnsafeMutableRawBufferPointer, _ output: UnsafeMutableRawPointer) throws -> Void
) throws -> Weights {
    let active = plan.shares.indices.filter { !members[$0].contributions.isEmpty }
    let descriptions = active.map { plan.shares[$0].tensor }
    let outputs = descriptions.map { TensorStorage.allocate($0.byteCount) }
    do {
        try forEachTile(descriptions, scratchTiles: scratchTiles) { index, range, scratch in
            let output = outputs[index].baseAddress! + range.lowerBound * descriptions[index].type.byteCount
            try body(active[index], range, scratch, output)
        }
    } catch {
        for output in outputs { TensorStorage.free(output) }
        throw error
    }
    var result = global
    for (description, output) in zip(descriptions, outputs) {
        result.set(Weights.Tensor(description, storage: TensorStorage(adopting: output)))
    }
    return result
}
