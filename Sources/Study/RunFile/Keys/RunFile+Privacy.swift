extension RunFile {
    /// What the run does so that its models tell little of anyone who is in the data.
    public struct Privacy: Sendable, Equatable {
        /// nil for none.
        public var differentialPrivacy: DifferentialPrivacy?
        /// FLARE's block; read, it becomes a filter of the strategy.
        var sparseUpdate: SparseUpdate?

        public init() {}
    }
}

extension RunFile.Privacy: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("differential_privacy", \.differentialPrivacy),
        YAMLKey("sparse_update", \.sparseUpdate),
    ]

    mutating func complete() {
        // FLARE's block may be there and switched off.
        if differentialPrivacy?.isEnabled == false { differentialPrivacy = nil }
        differentialPrivacy?.isEnabled = nil
    }
}
