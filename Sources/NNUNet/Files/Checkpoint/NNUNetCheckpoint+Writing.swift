#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NNUNetCheckpoint {
    /// Writes a `.pth` that nnU-Net's trainer and predictor load. The file takes its name when it is whole.
    /// - Parameters:
    ///   - names: every name of the state dict with the canonical name of its tensor, in PyTorch's order; by default
    ///     those of nnU-Net's U-Nets. Names of one tensor share a storage, so aliases cost nothing.
    public func write(to url: URL, names: [(name: String, canonical: String)]? = nil) throws {
        var storages = StorageTable()
        var references: [String: TensorReference] = [:]
        for weight in weights { references[weight.name] = storages.add(weight.array) }
        var stateDict: [(PickleValue, PickleValue)] = []
        for (name, canonical) in names ?? StateDictName.expanded(weights.map(\.name)) {
            guard let reference = references[canonical] else {
                throw FileError.unexpectedContent(file: url.path, fact: "the state dict's \(name) has no weights")
            }
            stateDict.append((.string(name), .tensor(reference)))
        }
        var pairs: [(String, PickleValue)] = [("network_weights", .orderedDictionary(PickleDictionary(stateDict)))]
        pairs.append(("optimizer_state", optimizer.map { Self.pickled($0, &storages) } ?? .none))
        pairs += [
            ("grad_scaler_state", gradientScaler), ("logging", log.pickleValue),
            ("_best_ema", bestMovingAverageDice.map { .number($0) } ?? .none),
            ("current_epoch", .integer(currentEpoch)), ("init_args", initArguments.pickleValue),
            ("trainer_name", .string(trainerName)),
            (
                "inference_allowed_mirroring_axes",
                mirroringAxes.map { .tuple($0.map { .integer($0) }) } ?? .none
            ),
        ]
        var root = PickleDictionary(pairs.map { (.string($0.0), $0.1) })
        root.pairs += extra.pairs
        guard extra.pairs.allSatisfy({ $0.value.tensors.isEmpty }) else {
            throw FileError.unexpectedContent(file: url.path, fact: "a key beyond nnU-Net's holds tensors")
        }
        let table = storages
        try CheckpointFile.write(.dictionary(root), to: url) { table.bytes(of: $0) }
    }

    private static func pickled(_ optimizer: OptimizerState, _ storages: inout StorageTable) -> PickleValue {
        var state: [(PickleValue, PickleValue)] = []
        let names = optimizer.buffers.keys.sorted()
        for index in 0..<(optimizer.buffers.values.map(\.count).max() ?? 0) {
            var slots: [(String, PickleValue)] = []
            for name in names {
                guard let buffers = optimizer.buffers[name], index < buffers.count, let buffer = buffers[index] else {
                    continue
                }
                slots.append((name, .tensor(storages.add(buffer))))
            }
            if !slots.isEmpty { state.append((.integer(index), .dictionary(slots))) }
        }
        let groups = optimizer.groups.map { group in
            var fields = group.fields
            fields.pairs.append(
                PickleDictionary.Pair(key: .string("params"), value: .list(group.parameters.map { .integer($0) })))
            return PickleValue.dictionary(fields)
        }
        return .dictionary([("state", .dictionary(PickleDictionary(state))), ("param_groups", .list(groups))])
    }
}

/// Numbers the storages of a checkpoint that is being written.
private struct StorageTable {
    private var arrays: [NumericArray] = []

    mutating func add(_ array: NumericArray) -> TensorReference {
        arrays.append(array)
        return TensorReference(
            storage: TensorStorage(key: String(arrays.count - 1), type: array.type, count: array.count),
            shape: array.shape)
    }

    func bytes(of storage: TensorStorage) -> [UInt8] { Int(storage.key).map { arrays[$0].bytes } ?? [] }
}
