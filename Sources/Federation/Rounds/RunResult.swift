/// What a run leaves.
public struct RunResult: Sendable {
    /// Averaged tensors under the plan's names; a site's model is `plan.model(of:from:)`.
    public var global: Weights
    /// The best of the judged rounds; nil where none was.
    public var best: Weights?
    /// The last round's updates averaged over the sites of one modality.
    public var ofModality: [String: Weights]
    public var plan: SharingPlan
    public var reports: [RoundReport]
}
