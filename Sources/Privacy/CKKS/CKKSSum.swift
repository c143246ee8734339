import Federation

/// Adds sealed updates, without a key. Sites divide by the sum of their weights when they open it.
public struct CKKSSum: Aggregator {
    public let fewestUpdates = 2

    public init() {}

    public func combine(_ contributions: [Contribution], plan: SharingPlan, global: Weights) throws -> Weights {
        guard plan.shares.count == 1, let before = global.tensors.first, global.tensors.count == 1 else {
            throw PrivacyError.setting(
                "The sites' models do not come as one sealed tensor: let all of them train one network under CKKS.")
        }
        var sum: CKKSVector?
        var rounds: Set<Int> = []
        for contribution in contributions {
            let model = try SealedModel(contribution.tensors)
            let vector = try model.hasVector()
            rounds.insert(model.round)
            if sum == nil { sum = vector } else { try sum!.add(vector) }
        }
        guard let sum, let round = rounds.first, rounds.count == 1 else {
            throw PrivacyError.forged("Sealed updates of different rounds, or none at all, cannot be added.")
        }
        return Weights([try SealedModel(round: round, .vector(sum)).tensor(before.description)])
    }
}
