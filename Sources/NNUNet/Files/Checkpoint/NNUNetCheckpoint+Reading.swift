#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NNUNetCheckpoint {
    static let knownKeys = [
        "network_weights", "optimizer_state", "grad_scaler_state", "logging", "_best_ema", "current_epoch", "init_args",
        "trainer_name", "inference_allowed_mirroring_axes",
    ]

    /// Reads a checkpoint of nnU-Net's or Cohort's trainer.
    /// - Parameter includingOptimizer: whether momentum is read too; prediction does not need it.
    /// - Throws: `FileError`.
    public init(contentsOf url: URL, includingOptimizer: Bool = true) throws {
        let file = try CheckpointFile(contentsOf: url)
        guard let root = file.content.asDictionary, let stateDict = root["network_weights"]?.asDictionary else {
            throw FileError.unexpectedContent(
                file: file.path, fact: "it has no network_weights, so nnU-Net's trainer did not write it")
        }
        func required<T>(_ value: T?, _ key: String) throws -> T {
            guard let value else {
                throw FileError.unexpectedContent(file: file.path, fact: "its \(key) is missing or of another type")
            }
            return value
        }
        let axes = root["inference_allowed_mirroring_axes"] ?? .none
        self.init(
            weights: try Self.weights(of: stateDict, in: file),
            optimizer: includingOptimizer ? try Self.optimizer(of: root["optimizer_state"], in: file) : nil,
            gradientScaler: root["grad_scaler_state"] ?? .none,
            log: TrainingLog(pickle: root["logging"]),
            bestMovingAverageDice: root["_best_ema"]?.asNumber,
            currentEpoch: try required((root["current_epoch"] ?? .integer(0)).asInteger, "current_epoch"),
            initArguments: try InitArguments(pickle: root["init_args"], file: file.path),
            trainerName: try required(root["trainer_name"]?.asString, "trainer_name"),
            mirroringAxes: axes == .none ? nil : try required(axes.asIntegers, "inference_allowed_mirroring_axes"),
            extra: PickleDictionary(
                pairs: root.pairs.filter { pair in !Self.knownKeys.contains { pair.key == .string($0) } }))
    }

    /// Each tensor once. Where the aliases of one tensor differ, the last counts, as when PyTorch loads them in turn.
    private static func weights(of stateDict: PickleDictionary, in file: CheckpointFile) throws -> [NamedTensor] {
        var order: [String] = []
        var references: [String: TensorReference] = [:]
        for pair in stateDict.pairs {
            guard let name = pair.key.asString, case .tensor(let tensor) = pair.value else {
                throw FileError.unexpectedContent(
                    file: file.path, fact: "its network_weights hold something that is no tensor")
            }
            let canonical = StateDictName.canonical(name)
            if references.updateValue(tensor, forKey: canonical) == nil { order.append(canonical) }
        }
        var weights: [NamedTensor] = []
        var total = 0
        for name in order {
            guard let reference = references[name] else { continue }
            // Many names for views of one storage could otherwise fill the memory from a small file.
            total += reference.type.byteCount(of: reference.shape) ?? 0
            guard total <= 4 * file.byteCount else {
                throw FileError.malformed(file: file.path, fact: "its tensors unfold to far more data than it has")
            }
            weights.append(NamedTensor(name: name, array: try file.array(of: reference)))
        }
        return weights
    }

    private static func optimizer(of value: PickleValue?, in file: CheckpointFile) throws -> OptimizerState? {
        guard let value, value != .none else { return nil }
        func fail() -> FileError {
            .unexpectedContent(file: file.path, fact: "its optimizer_state is not PyTorch's")
        }
        guard let dictionary = value.asDictionary, let groupValues = dictionary["param_groups"]?.asSequence,
            let state = dictionary["state"]?.asDictionary
        else { throw fail() }
        var groups: [OptimizerState.Group] = []
        for group in groupValues {
            guard let fields = group.asDictionary, let parameters = fields["params"]?.asIntegers,
                parameters.allSatisfy({ 0..<1_000_000 ~= $0 })
            else { throw fail() }
            groups.append(
                OptimizerState.Group(
                    fields: PickleDictionary(pairs: fields.pairs.filter { $0.key != .string("params") }),
                    parameters: parameters))
        }
        let count = (groups.flatMap(\.parameters).max() ?? -1) + 1
        var buffers: [String: [NumericArray?]] = [:]
        for pair in state.pairs {
            guard let index = pair.key.asInteger, 0..<count ~= index, let slots = pair.value.asDictionary else {
                throw fail()
            }
            for slot in slots.pairs {
                guard let name = slot.key.asString else { throw fail() }
                guard case .tensor(let tensor) = slot.value else { continue }
                buffers[name, default: Array(repeating: nil, count: count)][index] = try file.array(of: tensor)
            }
        }
        return OptimizerState(groups: groups, buffers: buffers)
    }
}

extension NNUNetCheckpoint.InitArguments {
    init(pickle: PickleValue?, file: String) throws {
        guard let arguments = pickle?.asDictionary, let configuration = arguments["configuration"]?.asString,
            case .object(let plans)? = arguments["plans"]?.json,
            case .object(let dataset)? = arguments["dataset_json"]?.json
        else {
            throw FileError.unexpectedContent(
                file: file, fact: "its init_args lack the plans, the configuration or the dataset's description")
        }
        let fold = arguments["fold"] ?? .integer(0)
        let device: String
        switch arguments["device"] {
        case .device(let name)?, .string(let name)?: device = name
        default: device = "cuda"
        }
        self.init(
            plans: plans, configuration: configuration, fold: fold.asString ?? fold.asInteger.map(String.init) ?? "0",
            datasetJSON: dataset, device: device)
    }

    var pickleValue: PickleValue {
        .dictionary([
            ("plans", PickleValue(json: .object(plans))), ("configuration", .string(configuration)),
            ("fold", Int(fold).map { .integer($0) } ?? .string(fold)),
            ("dataset_json", PickleValue(json: .object(datasetJSON))), ("device", .device(device)),
        ])
    }
}

extension TrainingLog {
    private static let keys: [(String, WritableKeyPath<TrainingLog, [Double]> & Sendable)] = [
        ("mean_fg_dice", \.meanForegroundDice), ("ema_fg_dice", \.movingAverageDice), ("train_losses", \.trainLosses),
        ("val_losses", \.validationLosses), ("lrs", \.learningRates), ("epoch_start_timestamps", \.epochStarts),
        ("epoch_end_timestamps", \.epochEnds),
    ]

    /// A list that is absent or of another form is empty: a log is no reason to refuse a model.
    init(pickle: PickleValue?) {
        guard let lists = pickle?.asDictionary else { return }
        for (key, path) in Self.keys { self[keyPath: path] = lists[key]?.asNumbers ?? [] }
        dicePerClass = lists["dice_per_class_or_region"]?.asSequence?.map { $0.asNumbers ?? [] } ?? []
    }

    var pickleValue: PickleValue {
        func list(_ values: [Double]) -> PickleValue { .list(values.map { .number($0) }) }
        return .dictionary([
            ("mean_fg_dice", list(meanForegroundDice)), ("ema_fg_dice", list(movingAverageDice)),
            ("dice_per_class_or_region", .list(dicePerClass.map(list))), ("train_losses", list(trainLosses)),
            ("val_losses", list(validationLosses)), ("lrs", list(learningRates)),
            ("epoch_start_timestamps", list(epochStarts)), ("epoch_end_timestamps", list(epochEnds)),
        ])
    }
}
