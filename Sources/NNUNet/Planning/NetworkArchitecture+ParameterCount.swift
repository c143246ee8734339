extension NetworkArchitecture {
    /// How many numbers a network of this architecture has: weights, biases and norms, each once.
    public func parameterCount(inputChannels: Int, outputChannels: Int) -> Int {
        let features = featuresPerStage
        var count = 0
        func volume(_ size: [Int]) -> Int { size.reduce(1, *) }
        func block(_ inputs: Int, _ outputs: Int, _ kernel: [Int], bias: Bool) {
            count += inputs * outputs * volume(kernel) + (bias ? outputs : 0) + (normAffine ? 2 * outputs : 0)
        }
        func stack(_ length: Int, _ inputs: Int, _ outputs: Int, _ kernel: [Int]) {
            for index in 0..<length { block(index == 0 ? inputs : outputs, outputs, kernel, bias: convolutionBias) }
        }
        if kind == .residualEncoderUNet { stack(1, inputChannels, features[0], kernelSizes[0]) }
        for stage in features.indices {
            let outputs = features[stage]
            switch kind {
            case .plainConvUNet:
                stack(
                    blocksPerStage[stage], stage == 0 ? inputChannels : features[stage - 1], outputs, kernelSizes[stage]
                )
            case .residualEncoderUNet:
                for index in 0..<blocksPerStage[stage] {
                    let inputs = index == 0 && stage > 0 ? features[stage - 1] : outputs
                    stack(2, inputs, outputs, kernelSizes[stage])
                    if inputs != outputs { block(inputs, outputs, [1], bias: false) }
                }
            }
        }
        for level in features.indices.dropLast() {
            stack(
                convolutionsPerDecoderStage[features.count - 2 - level], 2 * features[level], features[level],
                kernelSizes[level])
            count += features[level + 1] * features[level] * volume(strides[level + 1])
            count += convolutionBias ? features[level] : 0
            count += (features[level] + 1) * outputChannels
        }
        return count
    }
}
