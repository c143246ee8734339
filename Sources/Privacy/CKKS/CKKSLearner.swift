import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A learner whose models come and go sealed: to the server it is a site with one tensor of bytes.
///
/// Its updates leave it plain, for the site's own filters; `CKKSAggregation` must be the last of them. `site` puts both
/// together.
public struct CKKSLearner: Learner {
    private let learner: any Learner
    private let site: String
    private let aggregation: CKKSAggregation

    /// - Parameters:
    ///   - site: its name, by which the filters know it.
    ///   - aggregation: with the key.
    /// - Throws: `PrivacyError.setting`.
    public init(_ learner: any Learner, site: String, aggregation: CKKSAggregation) throws {
        (self.learner, self.site, self.aggregation) = (learner, site, aggregation)
        _ = try aggregation.secret()
    }

    /// A site whose updates leave it under CKKS, whatever its other filters do before.
    ///
    /// - Throws: `PrivacyError.setting`.
    public static func site(
        name: String, learner: any Learner, filters: [any UpdateFilter] = [], policy: SitePolicy = SitePolicy(),
        aggregation: CKKSAggregation
    ) throws -> Site {
        Site(
            name: name, learner: try CKKSLearner(learner, site: name, aggregation: aggregation),
            filters: filters + [aggregation], policy: policy)
    }

    public func answer(_ question: Data) async throws -> Data { try await learner.answer(question) }

    public func describe() async throws -> SiteDescription {
        var description = try await learner.describe()
        let layout = try SealedLayout(description.tensors.map(\.tensor))
        description.tensors = [TensorRole(SealedModel.description(layout, aggregation.context.parameters))]
        return description
    }

    public func initialWeights() async throws -> Weights {
        let layout = try await layout()
        return try aggregation.box(await learner.initialWeights(), layout: layout)
    }

    public func train(_ task: TrainTask) async throws -> ModelUpdate {
        guard task.warmUpRounds == 0, task.round > 0, task.frozen.isEmpty else {
            throw PrivacyError.setting(
                "Under CKKS the whole network is shared, and there is nothing to warm up: set no such rounds.")
        }
        var task = task
        task.model = try aggregation.open(task.model, rounds: task.round - 1...task.round - 1, layout: await layout())
        task.content = aggregation.content
        if task.content == .difference {
            let start = (task.round, task.model)
            aggregation.startingPoints.known.withLock { $0[site] = start }
        }
        return try await learner.train(task)
    }

    public func validate(_ task: ValidationTask) async throws -> ValidationResult {
        var task = task
        let rounds = task.owner == .server ? task.round...task.round : 0...max(task.round, 0)
        task.model = try aggregation.open(task.model, rounds: rounds, layout: await layout())
        return try await learner.validate(task)
    }

    public func model() async throws -> Weights {
        throw PrivacyError.refused("Under CKKS a site does not send its own model: leave out cross-site validation.")
    }

    public func finish(_ model: Weights) async throws {
        try await learner.finish(aggregation.open(model, rounds: 0...Int.max, layout: layout()))
    }

    private func layout() async throws -> SealedLayout {
        try SealedLayout(await learner.describe().tensors.map(\.tensor))
    }
}
