/// The checkpoints that a training keeps.
public enum CheckpointName: String, Sendable, CaseIterable {
    /// Of the epoch with the best moving average of the online Dice.
    case best = "checkpoint_best.pth"
    /// To go on from after an interruption; removed at the end.
    case latest = "checkpoint_latest.pth"
    case final = "checkpoint_final.pth"
}

/// Where checkpoints are kept. Saving is atomic: a checkpoint is the old one or the new one, never half of either.
public protocol CheckpointStore: Sendable {
    func save(_ snapshot: TrainingSnapshot, as name: CheckpointName) throws
    /// The checkpoint; nil where there is none.
    func load(_ name: CheckpointName) throws -> TrainingSnapshot?
    func remove(_ name: CheckpointName) throws
}

extension CheckpointStore {
    /// What a training continues from: the final checkpoint, else of the latest and the best the one that is further.
    ///
    /// nnU-Net takes the latest wherever there is one, and so loses the epochs up to a best that is newer.
    public func loadForContinuation() throws -> (snapshot: TrainingSnapshot, name: CheckpointName)? {
        if let final = try load(.final) { return (final, .final) }
        let latest = try load(.latest)
        let best = try load(.best)
        if let best, best.epoch > latest?.epoch ?? -1 { return (best, .best) }
        return latest.map { ($0, .latest) }
    }
}

/// Keeps nothing: for trainings with checkpoints disabled.
public struct NoCheckpoints: CheckpointStore {
    public init() {}
    public func save(_ snapshot: TrainingSnapshot, as name: CheckpointName) {}
    public func load(_ name: CheckpointName) -> TrainingSnapshot? { nil }
    public func remove(_ name: CheckpointName) {}
}
