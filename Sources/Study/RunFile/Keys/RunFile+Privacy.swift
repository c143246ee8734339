extension RunFile {
    /// What the run does so that its models tell little of anyone who is in the data.
    public struct Privacy: Sendable, Equatable {
        /// FLARE's block; read, it becomes a filter of the strategy.
        var sparseUpdate: SparseUpdate?

        public init() {}
    }
}

extension RunFile.Privacy: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("sparse_update", \.sparseUpdate)
    ]
}
