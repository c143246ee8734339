import Federation
import Imaging

/// All that a training needs to go on exactly where it was: the content of a checkpoint, apart from its plans.
public struct TrainingSnapshot: Sendable, Equatable {
    public var weights: Weights
    /// Named buffers of each parameter, by its position; a parameter that never had a gradient has none.
    public var optimizer: [Int: [String: Volume<Float>]]
    /// Scale and good steps in a row of a float16 training.
    public var gradientScaler: (scale: Double, goodSteps: Int)?
    public var history: TrainingHistory
    public var bestMovingAverage: Double?
    /// Finished epochs.
    public var epoch: Int
    /// Fixes the batches to come.
    public var seed: UInt64

    public init(
        weights: Weights, optimizer: [Int: [String: Volume<Float>]], gradientScaler: (scale: Double, goodSteps: Int)?,
        history: TrainingHistory, bestMovingAverage: Double?, epoch: Int, seed: UInt64
    ) {
        self.weights = weights
        self.optimizer = optimizer
        self.gradientScaler = gradientScaler
        self.history = history
        self.bestMovingAverage = bestMovingAverage
        self.epoch = epoch
        self.seed = seed
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.weights == b.weights && a.optimizer == b.optimizer && a.history == b.history && a.epoch == b.epoch
            && a.bestMovingAverage == b.bestMovingAverage && a.seed == b.seed
            && a.gradientScaler?.scale == b.gradientScaler?.scale
            && a.gradientScaler?.goodSteps == b.gradientScaler?.goodSteps
    }
}
