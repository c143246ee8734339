/// What a run leaves.
public struct RunResult: Sendable {
    /// Averaged tensors under the plan's names; a site's model is `plan.model(of:from:)`.
    public var global: Weights
    /// The best of the judged rounds; nil where none was.
    public var best: Weights?
    /// The last updates averaged over the sites of one modality.
    public var ofModality: [String: Weights]
    /// The best of those, as its own sites judged it.
    public var bestOfModality: [String: Weights]
    public var plan: SharingPlan
    public var reports: [RoundReport]

    init(_ state: RunState, plan: SharingPlan) {
        global = state.global
        best = state.best?.model
        ofModality = state.ofModality
        bestOfModality = state.bestOfModality.mapValues(\.model)
        self.plan = plan
        reports = state.reports
    }
}
