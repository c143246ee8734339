import Learning
import Synchronization

/// A bar for each epoch's training steps; its log line comes from the training itself.
final class EpochProgress: Sendable {
    private let epochs: Int
    private let iterations: Int
    private let current = Mutex<(epoch: Int, bar: Progress)?>(nil)

    init(epochs: Int, iterations: Int) {
        self.epochs = epochs
        self.iterations = iterations
    }

    func show(_ progress: TrainingProgress) {
        let bar = current.withLock { current -> Progress in
            if let present = current, present.epoch == progress.epoch { return present.bar }
            let bar = Progress("epoch \(progress.epoch + 1)/\(epochs)", count: iterations, unit: "steps")
            current = (progress.epoch, bar)
            return bar
        }
        bar.show(progress.phase == .training ? progress.done : iterations)
    }
}
