import Privacy

extension RunFile {
    /// `privacy.sparse_update` of FLARE's jobs: the filter `top_k` in other words.
    struct SparseUpdate: Sendable, Equatable {
        var isEnabled = true
        var percent = 10.0
    }

    /// Puts the filter in its place, after noise and before what changes types.
    mutating func complete() {
        guard let sparse = privacy.sparseUpdate else { return }
        privacy.sparseUpdate = nil
        guard sparse.isEnabled else { return }
        var settings = TopK.Settings()
        settings.fraction = sparse.percent / 100
        let place = strategy.filters.firstIndex { $0.kind == .quantise } ?? strategy.filters.endIndex
        strategy.filters.insert(.topK(settings), at: place)
    }
}

extension RunFile.SparseUpdate: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("enabled", \.isEnabled), YAMLKey("top_k_percent", \.percent, .above(0)),
    ]
}
