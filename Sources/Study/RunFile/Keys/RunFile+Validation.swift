import Federation

extension RunFile {
    /// How global models are judged.
    public struct Validation: Sendable, Equatable {
        /// Rounds between two judgements; the last model is always judged. 0 never judges.
        public var every = 1
        /// Who judges.
        public var select = SiteSelection.all
        /// What tells the best model.
        public var judgement = ModelJudgement()
        /// Every site's model on every site's cases, at the end.
        public var crossSite = false
        /// Validation cases that each site draws in its own report, predicted with its last model; 0 draws none.
        public var overlays = 3

        public init() {}
    }
}

extension RunFile.Validation: YAMLSection {
    static let keys: [YAMLKey<Self>] = [
        YAMLKey("every", \.every, .atLeast(0)),
        YAMLKey("select", \.select),
        YAMLKey("metric", \.judgement.metric, .notEmpty),
        YAMLKey("direction", \.judgement.direction),
        YAMLKey("cross_site", \.crossSite),
        YAMLKey("overlays", \.overlays, .within(0...50)),
    ]
}

extension ModelJudgement.Direction: YAMLWord {
    static var words: [Self] { [.higher, .lower] }
}
