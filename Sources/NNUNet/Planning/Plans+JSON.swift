#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Imaging

extension Plans {
    /// Reads and checks a plans file, of nnU-Net's present form or of its older one without `architecture`.
    public init(contentsOf url: URL) throws {
        let reader = try JSONReader(contentsOf: url)
        try self.init(json: reader.object, file: reader.file)
    }

    /// Checks the content of a plans file.
    public init(json: JSONObject, file: String = "plans") throws {
        self.json = json
        let reader = JSONReader(json, file: file)
        datasetName = try reader.fileName("dataset_name")
        plansName = try reader.fileName("plans_name")
        originalMedianSpacingAfterTransposition = try reader.numbers("original_median_spacing_after_transp")
        originalMedianShapeAfterTransposition = try reader.numbers("original_median_shape_after_transp").map { Int($0) }
        let readerName = try reader.string("image_reader_writer")
        guard let imageReader = ImageReaderWriter(rawValue: readerName) else {
            throw reader.fault("image_reader_writer", "names an unknown reader, \(readerName)")
        }
        imageReaderWriter = imageReader
        let forward = try reader.integers("transpose_forward")
        let backward = try reader.integers("transpose_backward")
        (transposeForward, transposeBackward) = (forward, backward)
        guard forward.sorted() == [0, 1, 2], backward.sorted() == [0, 1, 2], forward.map({ backward[$0] }) == [0, 1, 2]
        else {
            throw reader.fault(
                "transpose_forward", "and transpose_backward are not a permutation of 0, 1, 2 and its inverse")
        }
        experimentPlannerUsed = try reader.string("experiment_planner_used")
        let intensities = try reader.reader("foreground_intensity_properties_per_channel")
        foregroundIntensities = try (0..<intensities.object.keys.count).map {
            try IntensityProperties(intensities.reader(String($0)))
        }
        let all = try reader.reader("configurations")
        configurations = []
        for name in all.object.keys {
            guard name.isFileName else { throw all.fault(name, "is no name of a configuration") }
            let resolved = try Self.resolved(name, in: all, seen: [])
            configurations.append(try PlansConfiguration(name: name, JSONReader(resolved, file: file)))
        }
    }

    /// A configuration's own keys over those of what it inherits from.
    private static func resolved(_ name: String, in all: JSONReader, seen: [String]) throws -> JSONObject {
        guard !seen.contains(name) else {
            throw all.fault("inherits_from", "runs in a circle: \((seen + [name]).joined(separator: " → "))")
        }
        guard all.has(name) else {
            throw all.fault("inherits_from", "of \(seen.last ?? "") names \(name), which is no configuration")
        }
        let own = try all.reader(name)
        guard own.has("inherits_from") else { return own.object }
        var merged = try resolved(own.string("inherits_from"), in: all, seen: seen + [name])
        for (key, value) in own.object.pairs where key != "inherits_from" { merged[key] = value }
        return merged
    }

    /// The configuration of that name, or an error that lists those that there are.
    public func configuration(_ name: String) throws -> PlansConfiguration {
        guard let found = configurations.first(where: { $0.name == name }) else {
            throw NNUNetError.plan(
                "\(plansName) has no configuration \(name). It has: \(configurations.map(\.name).joined(separator: ", "))."
            )
        }
        return found
    }

    public func write(to url: URL) throws { try JSONValue.object(json).write(to: url) }
}

extension PlansConfiguration {
    init(name: String, _ reader: JSONReader) throws {
        self.name = name
        dataIdentifier = try reader.fileName("data_identifier")
        preprocessorName = try reader.string("preprocessor_name")
        batchSize = try reader.integer("batch_size")
        patchSize = try reader.integers("patch_size")
        medianImageSizeInVoxels = try reader.numbers("median_image_size_in_voxels")
        spacing = try reader.numbers("spacing")
        normalizationSchemes = try reader.strings("normalization_schemes").map { name in
            guard let scheme = NormalizationScheme(rawValue: name) else {
                throw reader.fault("normalization_schemes", "names an unknown scheme, \(name)")
            }
            return scheme
        }
        useMaskForNorm = try reader.bools("use_mask_for_norm")
        resamplingOfData = try ResamplingMethod(reader, "resampling_fn_data")
        resamplingOfSegmentation = try ResamplingMethod(reader, "resampling_fn_seg")
        resamplingOfProbabilities = try ResamplingMethod(reader, "resampling_fn_probabilities")
        architecture =
            reader.has("architecture")
            ? try NetworkArchitecture(reader.reader("architecture"))
            : try NetworkArchitecture(legacy: reader, dimensions: patchSize.count)
        batchDice = try reader.bool("batch_dice")
        previousStage = reader.has("previous_stage") ? try reader.string("previous_stage") : nil
        nextStage = reader.has("next_stage") ? reader.object["next_stage"]?.string : nil
        guard patchSize.count == architecture.dimensions, (2...3).contains(patchSize.count),
            spacing.count == patchSize.count,
            patchSize.allSatisfy({ (1...4096).contains($0) }), (1...100_000).contains(batchSize),
            spacing.allSatisfy({ $0 > 0 })
        else {
            throw reader.fault("patch_size", "spacing, batch_size and architecture of \(name) do not fit one another")
        }
    }
}

extension ResamplingMethod {
    init(_ reader: JSONReader, _ key: String) throws {
        let name = try reader.string(key)
        let arguments = try reader.reader(key + "_kwargs")
        self.init(
            function: try {
                if let function = Function(rawValue: name) { return function }
                if name.hasPrefix("resample_torch") { return .torch }
                throw reader.fault(key, "names an unknown function, \(name)")
            }(),
            isSegmentation: arguments.has("is_seg") ? try arguments.bool("is_seg") : key == "resampling_fn_seg",
            order: arguments.has("order") ? try arguments.integer("order") : (key == "resampling_fn_data" ? 3 : 1),
            orderZ: arguments.has("order_z") ? try arguments.integer("order_z") : 0,
            forceSeparateZ: arguments.has("force_separate_z") ? try arguments.bool("force_separate_z") : nil)
    }
}

extension NetworkArchitecture {
    init(_ reader: JSONReader) throws {
        let arguments = try reader.reader("arch_kwargs")
        let convolution = try arguments.string("conv_op")
        let kind = try Self.kind(reader.string("network_class_name"), reader, "network_class_name")
        let stages = try arguments.integer("n_stages")
        func perStage(_ key: String, _ count: Int) throws -> [Int] {
            if let single = arguments.object[key]?.integer { return Array(repeating: single, count: count) }
            return try arguments.integers(key)
        }
        let norm = arguments.has("norm_op_kwargs") ? try arguments.reader("norm_op_kwargs") : nil
        self.init(
            kind: kind, dimensions: convolution.hasSuffix("Conv2d") ? 2 : 3,
            featuresPerStage: try arguments.integers("features_per_stage"),
            kernelSizes: try arguments.integerLists("kernel_sizes"),
            strides: try arguments.integerLists("strides"),
            blocksPerStage: try perStage(kind == .plainConvUNet ? "n_conv_per_stage" : "n_blocks_per_stage", stages),
            convolutionsPerDecoderStage: try perStage("n_conv_per_stage_decoder", stages - 1),
            convolutionBias: try arguments.bool("conv_bias"),
            normEpsilon: norm?.object["eps"]?.number ?? 1e-5, normAffine: norm?.object["affine"]?.bool ?? true)
        if arguments.has("norm_op"), try !arguments.string("norm_op").contains("InstanceNorm") {
            throw arguments.fault("norm_op", "is not an instance norm, the only one that is supported")
        }
        if arguments.has("nonlin"), try !arguments.string("nonlin").hasSuffix("LeakyReLU") {
            throw arguments.fault("nonlin", "is not a leaky ReLU, the only one that is supported")
        }
        if arguments.has("dropout_op") { throw arguments.fault("dropout_op", "is set, and dropout is not supported") }
        try check(stages, arguments)
    }

    /// The form that plans had before nnU-Net 2.4: no `architecture`, its parts at the top of the configuration.
    init(legacy reader: JSONReader, dimensions: Int) throws {
        let strides = try reader.integerLists("pool_op_kernel_sizes")
        let base = try reader.integer("UNet_base_num_features")
        let most = try reader.integer("unet_max_num_features")
        self.init(
            kind: try Self.kind(reader.string("UNet_class_name"), reader, "UNet_class_name"), dimensions: dimensions,
            featuresPerStage: strides.indices.map { min(most, base << min($0, 20)) },
            kernelSizes: try reader.integerLists("conv_kernel_sizes"), strides: strides,
            blocksPerStage: try reader.integers("n_conv_per_stage_encoder"),
            convolutionsPerDecoderStage: try reader.integers("n_conv_per_stage_decoder"))
        try check(strides.count, reader)
    }

    /// By the last part of the class's name: the modules before it have moved over the years.
    private static func kind(_ name: String, _ reader: JSONReader, _ key: String) throws -> Kind {
        guard let kind = Kind(rawValue: String(name.split(separator: ".").last ?? "")) else {
            throw reader.fault(key, "names \(name). Supported are PlainConvUNet and ResidualEncoderUNet")
        }
        return kind
    }

    private func check(_ stages: Int, _ reader: JSONReader) throws {
        guard (1...20).contains(stages), featuresPerStage.count == stages, kernelSizes.count == stages,
            strides.count == stages,
            blocksPerStage.count == stages, convolutionsPerDecoderStage.count == stages - 1,
            (kernelSizes + strides).allSatisfy({ $0.count == dimensions && $0.allSatisfy { (1...64).contains($0) } }),
            kernelSizes.joined().allSatisfy({ $0 % 2 == 1 }), strides[0].allSatisfy({ $0 == 1 }),
            (featuresPerStage + blocksPerStage + convolutionsPerDecoderStage).allSatisfy({ (1...65536).contains($0) })
        else {
            throw reader.fault(
                "strides", "features, kernels and convolutions do not describe a network of \(stages) stages")
        }
    }
}

extension IntensityProperties {
    init(_ reader: JSONReader) throws {
        self.init(
            max: try reader.number("max"), mean: try reader.number("mean"), median: try reader.number("median"),
            min: try reader.number("min"), percentile005: try reader.number("percentile_00_5"),
            percentile995: try reader.number("percentile_99_5"), std: try reader.number("std"))
    }

    /// The keys and their order in which nnU-Net computes them.
    var json: JSONValue {
        .object(
            JSONObject([
                ("mean", .number(mean)), ("median", .number(median)), ("std", .number(std)), ("min", .number(min)),
                ("max", .number(max)), ("percentile_99_5", .number(percentile995)),
                ("percentile_00_5", .number(percentile005)),
            ]))
    }
}

extension DatasetFingerprint {
    public init(contentsOf url: URL) throws {
        let reader = try JSONReader(contentsOf: url)
        let intensities = try reader.reader("foreground_intensity_properties_per_channel")
        self.init(
            shapesAfterCrop: try reader.integerLists("shapes_after_crop"), spacings: try reader.numberLists("spacings"),
            foregroundIntensities: try (0..<intensities.object.keys.count).map {
                try IntensityProperties(intensities.reader(String($0)))
            }, medianRelativeSizeAfterCropping: try reader.number("median_relative_size_after_cropping"))
        guard !spacings.isEmpty, spacings.count == shapesAfterCrop.count,
            (spacings.map(\.count) + shapesAfterCrop.map(\.count)).allSatisfy({ $0 == 3 })
        else { throw reader.fault("spacings", "and shapes_after_crop must list three numbers for every case") }
    }

    public var json: JSONValue {
        .object(
            JSONObject([
                (
                    "foreground_intensity_properties_per_channel",
                    .object(JSONObject(foregroundIntensities.enumerated().map { (String($0), $1.json) }))
                ),
                ("median_relative_size_after_cropping", .number(medianRelativeSizeAfterCropping)),
                ("shapes_after_crop", JSONValue(shapesAfterCrop)), ("spacings", JSONValue(spacings)),
            ]))
    }

    public func write(to url: URL) throws { try json.write(to: url, sortKeys: true) }
}
