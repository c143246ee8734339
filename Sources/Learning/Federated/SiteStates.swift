#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A site's training at the end of its last two rounds, in files beside its checkpoints.
struct SiteStates {
    private let checkpoints: CheckpointFolder
    private let prefix: String

    /// - Parameter bounded: whether the training bounds what records change. What one that does not has left behind is never
    ///   taken up by one that does.
    init(_ checkpoints: CheckpointFolder, bounded: Bool = false) {
        self.checkpoints = checkpoints
        prefix = bounded ? "bounded_epoch_" : "federated_epoch_"
    }

    /// Finished epochs of the states that are there, ascending.
    private var epochs: [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpoints.folder.path)) ?? []
        return names.compactMap { name in
            name.hasPrefix(prefix) && name.hasSuffix(".pth")
                ? Int(name.dropFirst(prefix.count).dropLast(4)) : nil
        }.sorted()
    }

    private func file(_ epoch: Int) -> String { "\(prefix)\(epoch).pth" }

    /// Whether the trainer stands where a round that comes after so many epochs begins.
    func isAt(_ epoch: Int, _ trainer: LocalTrainer) async throws -> Bool {
        let trained = await trainer.epoch
        return trained == epoch && (epoch == 0 || epochs.contains(epoch))
    }

    /// Goes back to the last round at or before an epoch, if there was one.
    func restore(_ trainer: LocalTrainer, at epoch: Int) async throws -> Bool {
        guard let last = epochs.last(where: { $0 <= epoch }), let snapshot = try checkpoints.load(file: file(last))
        else {
            return false
        }
        try await trainer.restore(snapshot, from: file(last))
        return true
    }

    func save(_ snapshot: TrainingSnapshot) throws {
        try checkpoints.save(snapshot, toFile: file(snapshot.epoch))
        for old in epochs.filter({ $0 <= snapshot.epoch }).dropLast(2) {
            try? FileManager.default.removeItem(at: checkpoints.folder.appending(path: file(old)))
        }
    }
}
