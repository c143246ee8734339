import NNUNet
import Synchronization
import Torch

/// nnU-Net's U-Net (Ronneberger et al. 2015, arXiv:1505.04597; Isensee et al. 2021, doi 10.1038/s41592-020-01008-z; with
/// residual encoder: Isensee et al. 2024, arXiv:2404.09556), built from a plan. Names are those of nnU-Net's state dict.
public struct UNet {
    private enum Stage {
        case plain(ConvolutionStack)
        case residual([ResidualBlock])

        func callAsFunction(_ x: Tensor) throws -> Tensor {
            switch self {
            case .plain(let stack): try stack(x)
            case .residual(let blocks): try blocks.reduce(x) { try $1($0) }
            }
        }
    }

    public let architecture: NetworkArchitecture
    public let inputChannels: Int
    public let outputChannels: Int
    public let parameters: ParameterStore
    private let stem: ConvolutionStack?
    private let encoder: [Stage]
    /// From the lowest resolution up, as nnU-Net counts them.
    private let upsampling: [TransposedConvolution]
    private let decoder: [ConvolutionStack]
    private let heads: [Convolution]

    /// A network with fresh weights.
    ///
    /// - Parameter seed: fixes the weights; nil draws on from wherever libtorch's generator stands. That generator is one
    ///   for the process, so networks are made one after the other.
    public init(
        _ architecture: NetworkArchitecture, inputChannels: Int, outputChannels: Int, on device: Device = .cpu,
        seed: UInt64? = nil
    ) throws {
        self = try generator.withLock { _ in
            if let seed { try Torch.seed(seed) }
            return try UNet(
                drawing: architecture, inputChannels: inputChannels, outputChannels: outputChannels, on: device)
        }
    }

    private init(
        drawing architecture: NetworkArchitecture, inputChannels: Int, outputChannels: Int, on device: Device
    ) throws {
        guard architecture.strides.count > 1 else {
            throw LearningError.notSupported(
                what: "a U-Net of a single resolution, as nnU-Net plans it for images of a few voxels,",
                remedy: "plan with a finer -overwrite_target_spacing, or another configuration")
        }
        self.architecture = architecture
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        let store = ParameterStore(on: device)
        parameters = store
        let features = architecture.featuresPerStage
        let ones = [Int](repeating: 1, count: architecture.dimensions)

        let encoderScope = store.root / "encoder"
        switch architecture.kind {
        case .plainConvUNet:
            stem = nil
            encoder = try features.indices.map { stage in
                .plain(
                    try ConvolutionStack(
                        encoderScope / "stages" / stage / 0, architecture, count: architecture.blocksPerStage[stage],
                        from: stage == 0 ? inputChannels : features[stage - 1], to: features[stage],
                        kernel: architecture.kernelSizes[stage], stride: architecture.strides[stage]))
            }
        case .residualEncoderUNet:
            stem = try ConvolutionStack(
                encoderScope / "stem", architecture, count: 1, from: inputChannels, to: features[0],
                kernel: architecture.kernelSizes[0], stride: ones)
            encoder = try features.indices.map { stage in
                .residual(
                    try (0..<architecture.blocksPerStage[stage]).map { block in
                        try ResidualBlock(
                            encoderScope / "stages" / stage / "blocks" / block, architecture,
                            from: block == 0 && stage > 0 ? features[stage - 1] : features[stage], to: features[stage],
                            kernel: architecture.kernelSizes[stage],
                            stride: block == 0 ? architecture.strides[stage] : ones)
                    })
            }
        }

        let decoderScope = store.root / "decoder"
        let levels = Array((0..<features.count - 1).reversed())  // the skip that decoder stage 0, 1, … works on
        decoder = try levels.enumerated().map { stage, level in
            try ConvolutionStack(
                decoderScope / "stages" / stage, architecture, count: architecture.convolutionsPerDecoderStage[stage],
                from: 2 * features[level], to: features[level], kernel: architecture.kernelSizes[level], stride: ones)
        }
        upsampling = try levels.enumerated().map { stage, level in
            try TransposedConvolution(
                decoderScope / "transpconvs" / stage, from: features[level + 1], to: features[level],
                stride: architecture.strides[level + 1], bias: architecture.convolutionBias)
        }
        heads = try levels.enumerated().map { stage, level in
            try Convolution(
                decoderScope / "seg_layers" / stage, from: features[level], to: outputChannels, kernel: ones,
                stride: ones)
        }
    }

    /// The parameters that logits at so many resolutions follow from, by name: all but those of the heads below.
    func parameterNames(outputs: Int) -> [String] {
        let unused = (0..<max(0, heads.count - outputs)).map { "decoder.seg_layers.\($0)." }
        return parameters.names.filter { name in !unused.contains { name.hasPrefix($0) } }
    }

    /// Logits at full resolution and, where more are asked for, at the next lower ones.
    ///
    /// - Parameters:
    ///   - x: shape (batch, channels, axes…), each axis divisible by the product of its strides.
    ///   - outputs: how many resolutions, from full on; at most one less than the stages.
    /// - Returns: shapes (batch, classes, axes…), full resolution first.
    public func callAsFunction(_ x: Tensor, outputs: Int = 1) throws -> [Tensor] {
        var skips: [Tensor] = []
        var features = try stem.map { try $0(x) } ?? x
        for stage in encoder {
            features = try stage(features)
            skips.append(features)
        }
        skips.removeLast()
        var logits: [Tensor] = []
        for stage in decoder.indices {
            let joined = try Tensor.concatenated([upsampling[stage](features), skips.removeLast()], dim: 1)
            features = try decoder[stage](joined)
            if decoder.count - stage <= outputs { logits.append(try heads[stage](features)) }
        }
        return logits.reversed()
    }
}

/// Held while a network draws its weights.
private let generator = Mutex(())
