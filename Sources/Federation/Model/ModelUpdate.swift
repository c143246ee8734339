/// What a site's training gives: a model or its difference to the one that the site was sent, and what it is worth.
public struct ModelUpdate: Sendable {
    public enum Content: String, Sendable, Codable {
        case weights
        /// Trained minus received, of float32 tensors; others whole.
        case difference
    }

    public var content: Content
    /// In memory where they were made; at a server, often in files, and read piece by piece.
    public var tensors: any TensorSource
    /// Training cases, or what the site tells in their place.
    public var examples: Int
    /// Optimizer steps of this round.
    public var steps: Int
    public var metrics: Metrics

    public init(_ content: Content, _ tensors: any TensorSource, examples: Int, steps: Int, metrics: Metrics = [:]) {
        self.content = content
        self.tensors = tensors
        self.examples = examples
        self.steps = steps
        self.metrics = metrics
    }
}

/// Figures by name, such as "dice" or "loss". A figure that could not be computed is NaN.
public typealias Metrics = [String: Double]
