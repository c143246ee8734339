/// What a tensor is for in a site's model: what decides with whom it is shared.
public struct TensorRole: Sendable, Hashable, Codable {
    public enum Part: String, Sendable, Codable {
        /// Takes in the site's channels.
        case input
        case backbone
        /// Gives out the site's labels, classes or boxes.
        case head
    }

    public var tensor: TensorDescription
    /// Its name among models of other depths: equal where two tensors do the same work at the same resolution.
    public var alignedName: String
    public var part: Part
    /// Whether it scales, shifts or counts in a normalisation layer.
    public var isNormalisation: Bool

    public init(
        _ tensor: TensorDescription, alignedName: String? = nil, part: Part = .backbone, isNormalisation: Bool = false
    ) {
        self.tensor = tensor
        self.alignedName = alignedName ?? tensor.name
        self.part = part
        self.isNormalisation = isNormalisation
    }
}
