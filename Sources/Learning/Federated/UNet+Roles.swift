import Federation
import NNUNet

extension NetworkArchitecture {
    /// What a tensor of this network is for.
    ///
    /// Decoder stages are counted from the lowest resolution in nnU-Net's names; aligned names count them from full
    /// resolution, as the encoder's are, so that networks of other depth meet where they work at the same level.
    public func role(of tensor: TensorDescription) -> TensorRole {
        var parts = tensor.name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if parts.count > 2, parts[0] == "decoder", let stage = Int(parts[2]) {
            parts[2] = "level\(featuresPerStage.count - 2 - stage)"
        }
        let input = kind == .residualEncoderUNet ? "encoder.stem.convs.0.conv." : "encoder.stages.0.0.convs.0.conv."
        let part: TensorRole.Part =
            tensor.name.hasPrefix(input) ? .input : tensor.name.hasPrefix("decoder.seg_layers.") ? .head : .backbone
        return TensorRole(
            tensor, alignedName: parts.joined(separator: "."), part: part, isNormalisation: parts.contains("norm"))
    }
}
