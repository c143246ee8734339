/// What is known of every finished epoch: nnU-Net's logger lists, which its checkpoints carry along.
public struct TrainingHistory: Sendable, Equatable {
    public var meanForegroundDice: [Double] = []
    /// Moving average of `meanForegroundDice`: nine tenths of the last, one tenth of the new.
    public var movingAverageDice: [Double] = []
    public var dicePerClass: [[Double]] = []
    public var trainingLosses: [Double] = []
    public var validationLosses: [Double] = []
    public var learningRates: [Double] = []
    /// Seconds since 1970.
    public var starts: [Double] = []
    public var ends: [Double] = []

    public init() {}

    /// Finished epochs.
    public var epochs: Int { ends.count }

    /// The last epoch's figures.
    public var last: EpochRecord? {
        guard let end = ends.last, let start = starts.last, let dice = dicePerClass.last,
            let mean = meanForegroundDice.last,
            let training = trainingLosses.last, let validation = validationLosses.last, let rate = learningRates.last
        else { return nil }
        return EpochRecord(
            epoch: epochs - 1, trainingLoss: training, validationLoss: validation, dice: dice, meanDice: mean,
            learningRate: rate, start: start, end: end)
    }

    public mutating func append(_ epoch: EpochRecord) {
        meanForegroundDice.append(epoch.meanDice)
        // An epoch without any foreground says nothing, and must not spoil the average for ever.
        let last = movingAverageDice.last
        movingAverageDice.append(
            epoch.meanDice.isNaN
                ? last ?? .nan
                : last.map { $0.isNaN ? epoch.meanDice : $0 * 0.9 + 0.1 * epoch.meanDice } ?? epoch.meanDice)
        dicePerClass.append(epoch.dice)
        trainingLosses.append(epoch.trainingLoss)
        validationLosses.append(epoch.validationLoss)
        learningRates.append(epoch.learningRate)
        starts.append(epoch.start)
        ends.append(epoch.end)
    }
}

/// One epoch's figures.
public struct EpochRecord: Sendable, Equatable {
    /// Counted from 0.
    public var epoch: Int
    public var trainingLoss: Double
    public var validationLoss: Double
    /// Online Dice per foreground class or region, over the validation patches.
    public var dice: [Double]
    public var meanDice: Double
    public var learningRate: Double
    /// Seconds since 1970.
    public var start: Double
    public var end: Double

    public init(
        epoch: Int, trainingLoss: Double, validationLoss: Double, dice: [Double], meanDice: Double,
        learningRate: Double,
        start: Double, end: Double
    ) {
        self.epoch = epoch
        self.trainingLoss = trainingLoss
        self.validationLoss = validationLoss
        self.dice = dice
        self.meanDice = meanDice
        self.learningRate = learningRate
        self.start = start
        self.end = end
    }
}
