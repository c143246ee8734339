import Imaging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension ExperimentPlanner {
    /// What all configurations of one plan have in common.
    struct Context {
        let dataset: DatasetDescription
        let fingerprint: DatasetFingerprint
        let planner: ExperimentPlanner

        /// One configuration, before it is written down.
        struct Configuration {
            var dataIdentifier: String
            var batchSize: Int
            var patchSize: [Int]
            var median: [Double]
            /// Whether the median is written as whole numbers, as nnU-Net does at low resolution.
            var medianIsWhole: Bool
            var spacing: [Double]
            var architecture: NetworkArchitecture
            var channelNames: [String]
            var usesMask: Bool
            var preprocessorName: String
        }

        /// - Parameters:
        ///   - spacing: transposed; two axes make a 2D configuration.
        ///   - median: the cases' median shape at that spacing; may be fractional.
        ///   - voxels: of the whole dataset at that spacing, approximately.
        func configuration(_ name: String, spacing: [Double], median: [Double], voxels: Double) -> Configuration {
            let preset = planner.preset
            let dimensions = spacing.count
            let inverse = spacing.map { 1 / $0 }
            let volume = dimensions == 3 ? 256.0 * 256 * 256 : 2048.0 * 2048
            let scale = pow(volume / inverse.reduce(1, *), 1 / Double(dimensions))
            let initial = zip(inverse, median).map { min(($0 * scale).rounded(.toNearestOrEven), $1) }

            var topology = NetworkTopology(spacing: spacing, patch: initial)
            func size() -> Double {
                architecture(topology).convolutionFeatureMapSize(
                    patch: topology.patchSize, outputChannels: planner.outputEntries ?? dataset.outputEntries)
            }
            var estimate = size()
            let memory = planner.memoryTarget ?? preset.referenceMemory
            let reference = preset.referenceSize(dimensions: dimensions) * (memory / preset.referenceMemory)
            let referenceBatch = dimensions == 3 ? 2.0 : 12.0
            while (preset.isResidual ? estimate : estimate / referenceBatch * 2) > reference {
                // The axis that is largest against the median; of equals the later one.
                let ratios = zip(topology.patchSize, median).map { Double($0) / $1 }
                let axis = ratios.indices.reversed().max { ratios[$0] < ratios[$1] }!
                var trial = topology.patchSize.map(Double.init)
                trial[axis] -= Double(topology.divisibleBy[axis])
                let divisor = NetworkTopology(spacing: spacing, patch: trial).divisibleBy[axis]
                var patch = topology.patchSize.map(Double.init)
                patch[axis] -= Double(divisor)
                topology = NetworkTopology(spacing: spacing, patch: patch)
                estimate = size()
            }
            let patchVoxels = topology.patchSize.reduce(1.0) { $0 * Double($1) }
            let byMemory = (reference / estimate * referenceBatch).rounded(.toNearestOrEven)
            let byDataset = (voxels * preset.largestDatasetShare / patchVoxels).rounded(.toNearestOrEven)
            let sharesData =
                preset.isResidual && preset != .residualEncoder && name != "3d_lowres"
                || preset == .residualEncoder && name != "3d_lowres"
            return Configuration(
                dataIdentifier: (sharesData ? PlannerPreset.standard.plansName : planner.plansName) + "_" + name,
                batchSize: Int(max(min(byMemory, byDataset), 2)), patchSize: topology.patchSize, median: median,
                medianIsWhole: name == "3d_lowres", spacing: spacing, architecture: architecture(topology),
                channelNames: dataset.channelNames, usesMask: fingerprint.medianRelativeSizeAfterCropping < 0.75,
                preprocessorName: planner.preprocessorName)
        }

        private func architecture(_ topology: NetworkTopology) -> NetworkArchitecture {
            let stages = topology.strides.count
            let dimensions = topology.patchSize.count
            let most = dimensions == 3 ? 320 : 512
            let residual = planner.preset.isResidual
            return NetworkArchitecture(
                kind: residual ? .residualEncoderUNet : .plainConvUNet, dimensions: dimensions,
                featuresPerStage: (0..<stages).map { min(most, 32 << $0) }, kernelSizes: topology.kernelSizes,
                strides: topology.strides,
                blocksPerStage: residual
                    ? Array([1, 3, 4] + Array(repeating: 6, count: max(0, stages - 3))).prefix(stages).map { $0 }
                    : Array(repeating: 2, count: stages),
                convolutionsPerDecoderStage: Array(repeating: residual ? 1 : 2, count: stages - 1))
        }
    }
}

extension ExperimentPlanner.Context.Configuration {
    func json(batchDice: Bool) -> JSONObject {
        let schemes = channelNames.map { NormalizationScheme(channelName: $0) }
        func method(segmentation: Bool, order: Int) -> JSONValue {
            .object(
                JSONObject([
                    ("is_seg", .bool(segmentation)), ("order", .integer(order)), ("order_z", .integer(0)),
                    ("force_separate_z", .null),
                ]))
        }
        let function = JSONValue.string(ResamplingMethod.Function.spline.rawValue)
        return JSONObject([
            ("data_identifier", .string(dataIdentifier)), ("preprocessor_name", .string(preprocessorName)),
            ("batch_size", .integer(batchSize)), ("patch_size", JSONValue(patchSize)),
            ("median_image_size_in_voxels", medianIsWhole ? JSONValue(median.map { Int($0) }) : JSONValue(median)),
            ("spacing", JSONValue(spacing)),
            ("normalization_schemes", .array(schemes.map { .string($0.rawValue) })),
            ("use_mask_for_norm", .array(schemes.map { .bool($0 == .zScore && usesMask) })),
            ("resampling_fn_data", function), ("resampling_fn_seg", function),
            ("resampling_fn_data_kwargs", method(segmentation: false, order: 3)),
            ("resampling_fn_seg_kwargs", method(segmentation: true, order: 1)),
            ("resampling_fn_probabilities", function),
            ("resampling_fn_probabilities_kwargs", method(segmentation: false, order: 1)),
            ("architecture", .object(architecture.json)), ("batch_dice", .bool(batchDice)),
        ])
    }
}

extension NetworkArchitecture {
    /// As a plan writes it.
    var json: JSONObject {
        let plain = kind == .plainConvUNet
        let arguments = JSONObject([
            ("n_stages", .integer(stageCount)), ("features_per_stage", JSONValue(featuresPerStage)),
            ("conv_op", .string("torch.nn.modules.conv.Conv\(dimensions)d")), ("kernel_sizes", JSONValue(kernelSizes)),
            ("strides", JSONValue(strides)),
            (plain ? "n_conv_per_stage" : "n_blocks_per_stage", JSONValue(blocksPerStage)),
            ("n_conv_per_stage_decoder", JSONValue(convolutionsPerDecoderStage)), ("conv_bias", .bool(convolutionBias)),
            ("norm_op", .string("torch.nn.modules.instancenorm.InstanceNorm\(dimensions)d")),
            ("norm_op_kwargs", .object(JSONObject([("eps", .number(normEpsilon)), ("affine", .bool(normAffine))]))),
            ("dropout_op", .null), ("dropout_op_kwargs", .null), ("nonlin", .string("torch.nn.LeakyReLU")),
            ("nonlin_kwargs", .object(JSONObject([("inplace", .bool(true))]))),
        ])
        return JSONObject([
            ("network_class_name", .string("dynamic_network_architectures.architectures.unet.\(kind.rawValue)")),
            ("arch_kwargs", .object(arguments)),
            ("_kw_requires_import", .array(["conv_op", "norm_op", "dropout_op", "nonlin"].map(JSONValue.string))),
        ])
    }
}

extension NormalizationScheme {
    /// The scheme that a channel's name asks for.
    public init(channelName: String) {
        switch channelName.lowercased() {
        case "ct": self = .ct
        case "nonorm": self = .none
        case "rescale_to_0_1": self = .rescaleTo01
        case "rgb_to_0_1": self = .rgbTo01
        default: self = .zScore
        }
    }
}

extension DatasetDescription {
    /// Entries of `labels`, ignore and regions included: what nnU-Net's memory estimate takes for the output channels.
    public var outputEntries: Int { labels.count + (ignoreLabel == nil ? 0 : 1) }
}
