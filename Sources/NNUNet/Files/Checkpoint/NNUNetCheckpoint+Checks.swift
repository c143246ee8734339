extension NNUNetCheckpoint {
    /// Puts the weights into the order of a network's parameters.
    /// - Parameters:
    ///   - expected: canonical names and shapes of the network's parameters, in order.
    ///   - file: named in errors.
    /// - Throws: `FileError.unexpectedContent` where names or shapes differ: a checkpoint of another network.
    public mutating func conform(to expected: [(name: String, shape: [Int])], file: String) throws {
        var found: [String: NamedTensor] = [:]
        for weight in weights { found[weight.name] = weight }
        var facts: [String] = []
        let missing = expected.filter { found[$0.name] == nil }.map(\.name)
        if let first = missing.first { facts.append("it lacks \(missing.count) tensors, such as \(first)") }
        let wanted = Set(expected.map(\.name))
        let surplus = weights.filter { !wanted.contains($0.name) }.map(\.name)
        if let first = surplus.first { facts.append("it has \(surplus.count) other ones, such as \(first)") }
        let different = expected.compactMap { name, shape -> String? in
            guard let weight = found[name], weight.array.shape != shape else { return nil }
            return "\(name) of shape \(weight.array.shape), where \(shape) is needed"
        }
        if let first = different.first { facts.append("\(different.count) differ in shape, such as \(first)") }
        guard facts.isEmpty else {
            throw FileError.unexpectedContent(
                file: file,
                fact:
                    "it is a checkpoint of another network (of \(weights.count) tensors, \(expected.count) are needed): "
                    + facts.joined(separator: "; ") + ". Check the plans, the configuration and the dataset")
        }
        weights = expected.compactMap { found[$0.name] }
    }

    /// The weights that training starts from (`-pretrained_weights`): all but those of the segmentation heads, which
    /// depend on the labels.
    /// - Throws: as `conform`, for the tensors that are taken.
    public func pretrainedWeights(
        for expected: [(name: String, shape: [Int])], file: String
    ) throws -> [NamedTensor] {
        var body = self
        body.weights.removeAll { $0.name.contains(".seg_layers.") }
        try body.conform(to: expected.filter { !$0.name.contains(".seg_layers.") }, file: file)
        return body.weights
    }
}
