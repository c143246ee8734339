extension NetworkArchitecture {
    /// Elements of all convolutions' outputs for one patch: nnU-Net's measure of the memory that training takes.
    ///
    /// Deep supervision is not counted; only the head at full resolution is.
    func convolutionFeatureMapSize(patch: [Int], outputChannels: Int) -> Double {
        var resolution = patch
        var sizes: [Double] = []  // voxels per stage
        for stride in strides {
            resolution = zip(resolution, stride).map { $0 / $1 }
            sizes.append(resolution.reduce(1.0) { $0 * Double($1) })
        }
        let features = featuresPerStage.map(Double.init)
        var total = 0.0
        switch kind {
        case .plainConvUNet:
            for stage in features.indices { total += Double(blocksPerStage[stage]) * features[stage] * sizes[stage] }
        case .residualEncoderUNet:
            total += features[0] * sizes[0]
            for stage in features.indices {
                total += Double(2 * blocksPerStage[stage]) * features[stage] * sizes[stage]
                // The first block's skip counts wherever it changes channels or resolution.
                let inputs = stage == 0 ? features[0] : features[stage - 1]
                if inputs != features[stage] || strides[stage].contains(where: { $0 != 1 }) { total += features[stage] * sizes[stage] }
            }
        }
        for (stage, level) in (0..<features.count - 1).reversed().enumerated() {
            total += features[level] * sizes[level] * Double(1 + convolutionsPerDecoderStage[stage])
        }
        return total + Double(outputChannels) * sizes[0]
    }
}
