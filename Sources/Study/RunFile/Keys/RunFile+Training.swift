extension RunFile {
    /// What every site does in a round.
    public struct Training: Sendable, Equatable {
        public var rounds = 50
        public var localEpochs = 1
        public var iterationsPerEpoch = 250
        public var validationIterationsPerEpoch = 50
        /// Rounds in which sites train only what they do not share, before the first.
        public var warmUpRounds = 0
        /// Patches per step; nil for the plan's.
        public var batchSize: Int?
        /// nil for the trainer's own, as the next two.
        public var initialLearningRate: Double?
        public var weightDecay: Double?
        /// Share of the patches that are centred on foreground.
        public var oversampleForeground: Double?
        /// nil for what the device does best.
        public var precision: Precision?
        /// One of nnU-Net's, by name.
        public var trainer = "nnUNetTrainer"
        /// Fixes weights, patches, augmentation and the choice of sites.
        public var seed: UInt64 = 1

        public init() {}

        /// The number format of the network's convolutions.
        public enum Precision: String, Sendable, CaseIterable { case fp32, bf16, fp16 }
    }
}

extension RunFile.Training: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("rounds", \.rounds, .atLeast(1)),
        YAMLKey("local_epochs", \.localEpochs, .atLeast(1)),
        YAMLKey("iterations_per_epoch", \.iterationsPerEpoch, .atLeast(1)),
        YAMLKey("validation_iterations_per_epoch", \.validationIterationsPerEpoch, .atLeast(1)),
        YAMLKey("warm_up_rounds", \.warmUpRounds, .atLeast(0)),
        YAMLKey("batch_size", \.batchSize, .atLeast(1)),
        YAMLKey("initial_learning_rate", \.initialLearningRate, .above(0)),
        YAMLKey("weight_decay", \.weightDecay, .atLeast(0)),
        YAMLKey("oversample_foreground", \.oversampleForeground, .within(0...1)),
        YAMLKey("precision", \.precision),
        YAMLKey("trainer", \.trainer, .fileName),
        YAMLKey("seed", \.seed),
    ]

    /// Bounds such that all steps of a run together are a number.
    private static let most: [(key: String, value: KeyPath<Self, Int> & Sendable, most: Int)] = [
        ("rounds", \.rounds, 1_000_000), ("warm_up_rounds", \.warmUpRounds, 1_000_000),
        ("local_epochs", \.localEpochs, 10_000), ("iterations_per_epoch", \.iterationsPerEpoch, 1_000_000),
        ("validation_iterations_per_epoch", \.validationIterationsPerEpoch, 1_000_000),
    ]

    func check(at path: String, _ reading: inout Reading) {
        for key in Self.keys { key.check(self, path.key(key.name), &reading) }
        for (key, value, most) in Self.most where self[keyPath: value] > most {
            reading.fault(at: path.key(key), "is \(self[keyPath: value])", "write \(most) or less")
        }
    }
}

extension RunFile.Training.Precision: YAMLWord {}
