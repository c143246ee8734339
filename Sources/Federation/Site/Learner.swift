#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a site can learn: nnU-Net, a classifier, a detector. Works on the site's own data, which it alone sees.
///
/// Its calls come one at a time. Rounds may come again after a crash: a learner that is asked for a round it has trained
/// goes back to the end of the round before. What it throws reaches the server as text: it must name no patient.
public protocol Learner: Sendable {
    /// Answers a question of a round before the first. What it means is between the learner and its `Preparation`.
    func answer(_ question: Data) async throws -> Data
    /// After preparation. The name of the site is set by the site itself.
    func describe() async throws -> SiteDescription
    /// Weights to begin with, which follow from the run's seed.
    func initialWeights() async throws -> Weights
    /// Trains from the task's model. The update holds the tensors of the task's model and no other.
    func train(_ task: TrainTask) async throws -> ModelUpdate
    func validate(_ task: ValidationTask) async throws -> ValidationResult
    /// The site's own model, whole.
    func model() async throws -> Weights
    /// The run is over; `model` holds the last shared tensors.
    func finish(_ model: Weights) async throws
}
