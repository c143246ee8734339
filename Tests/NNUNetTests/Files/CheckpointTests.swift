import Foundation
import NNUNet
import SharedData
import Testing

@Suite struct CheckpointTests {
    static let names = [
        "encoder.stages.0.0.convs.0.conv.weight", "encoder.stages.0.0.convs.0.conv.bias",
        "encoder.stages.0.0.convs.0.norm.weight", "encoder.stages.0.0.convs.0.norm.bias",
        "decoder.stages.0.convs.0.conv.weight", "decoder.transpconvs.0.weight", "decoder.seg_layers.0.weight",
    ]

    static func sample(elements: Int = 6) -> NNUNetCheckpoint {
        let weights = names.enumerated().map { index, name in
            NamedTensor(
                name: name,
                array: NumericArray((0..<elements).map { Float(index * 10 + $0) }, shape: [elements / 3, 3]))
        }
        var log = TrainingLog()
        log.trainLosses = [0.5, 0.25]
        log.dicePerClass = [[0.5, .infinity], [0.25, 1]]
        return NNUNetCheckpoint(
            weights: weights,
            optimizer: .sgd(
                learningRate: 0.005, initialLearningRate: 0.01, momentum: 0.99, nesterov: true, weightDecay: 3e-5,
                momentumBuffers: weights.dropLast().map(\.array) + [nil]),
            log: log, bestMovingAverageDice: 0.75, currentEpoch: 2,
            initArguments: .init(
                plans: JSONObject([("plans_name", .string("nnUNetPlans")), ("list", .array([.integer(1), .null]))]),
                configuration: "3d_fullres", fold: "all", datasetJSON: JSONObject([("numTraining", .integer(3))]),
                device: "cpu"),
            mirroringAxes: [0, 1, 2],
            extra: PickleDictionary([(.string("cohort"), .dictionary([("seed", .integer(7))]))]))
    }

    @Test func roundTrip() throws {
        try withScratchFolder { folder in
            let url = folder.appendingPathComponent("a.pth")
            try Self.sample().write(to: url)
            #expect(try NNUNetCheckpoint(contentsOf: url) == Self.sample())
            var without = Self.sample()
            without.optimizer = nil
            #expect(try NNUNetCheckpoint(contentsOf: url, includingOptimizer: false) == without)
        }
    }

    @Test func aliasesShareStorages() throws {
        try withScratchFolder { folder in
            let url = folder.appendingPathComponent("a.pth")
            let checkpoint = Self.sample(elements: 30_000)
            try checkpoint.write(to: url)
            let size = try #require(try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int)
            // Seven weights and six momentum buffers of 120,000 bytes.
            #expect(size > 13 * 120_000 && size < 13 * 120_000 + 20_000)
            let file = try CheckpointFile(contentsOf: url)
            let stateDict = try #require(file.content.asDictionary?["network_weights"]?.asDictionary)
            #expect(stateDict.pairs.count == 4 * 4 + 2 + 2)
            #expect(
                stateDict["decoder.encoder.stages.0.0.convs.0.all_modules.1.bias"]
                    == stateDict["encoder.stages.0.0.convs.0.norm.bias"])
        }
    }

    @Test func canonicalNames() {
        for (name, canonical) in [
            ("module._orig_mod.encoder.stem.convs.0.all_modules.0.weight", "encoder.stem.convs.0.conv.weight"),
            ("decoder.encoder.stages.0.blocks.1.conv1.all_modules.1.bias", "encoder.stages.0.blocks.1.conv1.norm.bias"),
            ("decoder.seg_layers.0.weight", "decoder.seg_layers.0.weight"),
            ("decoder.transpconvs.2.bias", "decoder.transpconvs.2.bias"),
        ] { #expect(StateDictName.canonical(name) == canonical) }
    }

    /// All names that PyTorch gives for the networks of the golden file, in its order.
    @Test(.enabled(if: SharedData.url("golden/state_dict_keys.json") != nil, "golden values are not here"))
    func namesOfWholeNetworks() throws {
        let networks = try SharedData.json("golden/state_dict_keys.json")
        var compared = 0
        for (network, value) in networks {
            let table = try #require(value as? [String: Any])
            let entries = try #require(table["entries_name_shape_canonical"] as? [[Any]])
            let names = entries.compactMap { $0.first as? String }
            let canonical = entries.compactMap { $0.last as? String }
            #expect(names.map(StateDictName.canonical) == canonical, "\(network)")
            var distinct: [String] = []
            for name in canonical where !distinct.contains(name) { distinct.append(name) }
            #expect(distinct.count == table["n_unique"] as? Int)
            #expect(StateDictName.expanded(distinct).map(\.name) == names, "\(network)")
            compared += 1
        }
        #expect(compared > 0)
    }

    @Test func anotherNetworkIsNamedAsSuch() throws {
        var checkpoint = Self.sample()
        let expected = checkpoint.weights.map { (name: $0.name, shape: $0.array.shape) }
        try checkpoint.conform(to: expected.reversed(), file: "a.pth")
        #expect(checkpoint.weights.map(\.name) == Self.names.reversed())
        var other = expected
        other[6].shape = [4, 3]
        let error = #expect(throws: FileError.self) { try checkpoint.conform(to: other, file: "a.pth") }
        #expect("\(try #require(error))".contains("another network"))
        #expect(try checkpoint.pretrainedWeights(for: other, file: "a.pth").count == 6)
        other[0].name = "encoder.stages.5.0.convs.0.conv.weight"
        #expect(throws: FileError.self) { try checkpoint.pretrainedWeights(for: other, file: "a.pth") }
    }

    /// Whatever bytes change, reading ends in a checkpoint or an error.
    @Test func mutationsNeverCrash() throws {
        try withScratchFolder { folder in
            let url = folder.appendingPathComponent("a.pth")
            try Self.sample().write(to: url)
            let original = [UInt8](try Data(contentsOf: url))
            var generator = RepeatableGenerator(5)
            for _ in 0..<1000 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...5, using: &generator) {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
                try Data(bytes).write(to: url)
                do { _ = try NNUNetCheckpoint(contentsOf: url) } catch { #expect(error is FileError) }
            }
        }
    }

    @Test func safeTensors() throws {
        try withScratchFolder { folder in
            let url = folder.appendingPathComponent("a.safetensors")
            let tensors =
                Self.sample().weights + [
                    NamedTensor(name: "half", array: try NumericArray(type: .bfloat16, shape: [1], bytes: [1, 2])),
                    NamedTensor(name: "empty", array: NumericArray([Int64](), shape: [0, 4])),
                ]
            try SafeTensors.write(tensors, metadata: [("round", "3"), ("who", "\"ü\"")], to: url)
            let file = try SafeTensors(contentsOf: url)
            #expect(Set(try file.tensors().map(\.name)) == Set(tensors.map(\.name)))
            for tensor in try file.tensors() { #expect(tensors.contains(tensor)) }
            #expect(file.metadata == ["round": "3", "who": "\"ü\""])
            let original = [UInt8](try Data(contentsOf: url))
            try Data(original.dropLast()).write(to: url)
            #expect(throws: FileError.self) { try SafeTensors(contentsOf: url) }
            var generator = RepeatableGenerator(6)
            for _ in 0..<2000 {
                var bytes = original
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<300, using: &generator)] =
                        Array("0129[]{}\",: -".utf8).randomElement(using: &generator)!
                }
                try Data(bytes).write(to: url)
                if let file = try? SafeTensors(contentsOf: url) { _ = try file.tensors() }
            }
        }
    }
}
