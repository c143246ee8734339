extension TrainingSettings {
    /// The settings that a trainer class of nnU-Net stands for.
    ///
    /// - Parameters:
    ///   - trainerName: such as `nnUNetTrainer_250epochs_NoMirroring`.
    ///   - batchSize: the plan's, of which one variant derives its oversampling.
    /// - Throws: ``LearningError/unknownTrainer(_:known:)``.
    public init(trainerName: String, batchSize: Int = 2) throws {
        guard let variant = Self.variants[trainerName] else {
            throw LearningError.unknownTrainer(trainerName, known: Self.variants.keys.sorted())
        }
        self.init()
        self.trainerName = trainerName
        variant(&self, batchSize)
    }

    /// The names that `init(trainerName:)` takes.
    public static var knownTrainerNames: [String] { variants.keys.sorted() }

    private typealias Variant = @Sendable (inout TrainingSettings, _ batchSize: Int) -> Void

    private static let variants: [String: Variant] = {
        var variants: [String: Variant] = ["nnUNetTrainer": { _, _ in }]
        for count in [1, 5, 10, 20, 50, 100, 250, 500, 750, 2000, 4000, 8000] {
            variants["nnUNetTrainer_\(count)epoch\(count == 1 ? "" : "s")"] = { settings, _ in settings.epochs = count }
        }
        for count in [250, 2000, 4000, 8000] {
            variants["nnUNetTrainer_\(count)epochs_NoMirroring"] = { settings, _ in
                settings.epochs = count
                settings.mirroring = .none
            }
        }
        let others: [String: Variant] = [
            "nnUNetTrainerNoMirroring": { settings, _ in settings.mirroring = .none },
            "nnUNetTrainer_onlyMirror01": { settings, _ in settings.mirroring = .leadingAxes },
            "nnUNetTrainer_onlyMirror01_1500ep": { settings, _ in
                settings.mirroring = .leadingAxes
                settings.epochs = 1500
            },
            "nnUNetTrainerNoDA": { settings, _ in
                settings.augmentation = .none
                settings.mirroring = .none
            },
            "nnUNetTrainer_noDummy2DDA": { settings, _ in settings.allowsPlanarAugmentation = false },
            "nnUNetTrainerDiceLoss": { settings, _ in settings.loss = .dice },
            "nnUNetTrainerDiceCELoss_noSmooth": { settings, _ in settings.diceSmoothing = 0 },
            "nnUNetTrainerCELoss": { settings, _ in settings.loss = .crossEntropy },
            "nnUNetTrainerCELoss_5epochs": { settings, _ in
                settings.loss = .crossEntropy
                settings.epochs = 5
            },
            "nnUNetTrainerTopk10Loss": { settings, _ in settings.loss = .topK },
            "nnUNetTrainerTopk10LossLS01": { settings, _ in settings.loss = .topKSmoothed },
            "nnUNetTrainerDiceTopK10Loss": { settings, _ in settings.loss = .diceAndTopK },
            "nnUNetTrainer_DASegOrd0": { settings, _ in settings.nearestLabelSampling = true },
            "nnUNetTrainer_DASegOrd0_NoMirroring": { settings, _ in
                settings.nearestLabelSampling = true
                settings.mirroring = .none
            },
            "nnUNetTrainer_onlyMirror01_DASegOrd0": { settings, _ in
                settings.nearestLabelSampling = true
                settings.mirroring = .leadingAxes
            },
            "nnUNetTrainerCosAnneal": { settings, _ in settings.schedule = .cosine },
            "nnUNetTrainer_warmup": { settings, _ in settings.schedule = .warmUp(epochs: 50) },
            "nnUNetTrainerVanillaAdam": { settings, _ in settings.optimizer = .adam },
            "nnUNetTrainerVanillaAdam1en3": { settings, _ in
                settings.optimizer = .adam
                settings.initialLearningRate = 1e-3
            },
            "nnUNetTrainerVanillaAdam3en4": { settings, _ in
                settings.optimizer = .adam
                settings.initialLearningRate = 3e-4
            },
            "nnUNetTrainerAdam": { settings, _ in settings.optimizer = .adamW },
            "nnUNetTrainerAdam1en3": { settings, _ in
                settings.optimizer = .adamW
                settings.initialLearningRate = 1e-3
            },
            "nnUNetTrainerAdam3en4": { settings, _ in
                settings.optimizer = .adamW
                settings.initialLearningRate = 3e-4
            },
            "nnUNetTrainerNoDeepSupervision": { settings, _ in settings.deepSupervision = false },
            "nnUNetTrainer_probabilisticOversampling": { settings, batchSize in
                settings.probabilisticOversampling = true
                let unforced = (Double(batchSize) * (1 - settings.oversampleForeground)).rounded(.toNearestOrEven)
                settings.oversampleForeground = (Double(batchSize) - unforced) / Double(max(1, batchSize))
            },
            "nnUNetTrainer_probabilisticOversampling_033": { settings, _ in settings.probabilisticOversampling = true },
            "nnUNetTrainer_probabilisticOversampling_010": { settings, _ in
                settings.probabilisticOversampling = true
                settings.oversampleForeground = 0.1
            },
        ]
        return variants.merging(others) { $1 }
    }()
}
