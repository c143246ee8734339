#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One participant: carries out tasks one after the other, and lets updates out through its filters.
public actor Site {
    public nonisolated let name: String
    private let learner: any Learner
    /// The site's own, then the job's.
    private let filters: [any UpdateFilter]
    private let policy: SitePolicy
    private var last: Task<Void, Never>?

    public init(
        name: String, learner: any Learner, filters: [any UpdateFilter] = [], policy: SitePolicy = SitePolicy()
    ) {
        self.name = name
        self.learner = learner
        self.filters = filters
        self.policy = policy
    }

    /// Waits for the task before, then carries this one out.
    public func perform(_ task: SiteTask) async throws -> SiteReply {
        let previous = last
        let work = Task {
            await previous?.value
            try Task.checkCancellation()
            return try await carryOut(task)
        }
        last = Task { _ = await work.result }
        return try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            work.cancel()
        }
    }

    private func carryOut(_ task: SiteTask) async throws -> SiteReply {
        let time = Calendar.current.dateComponents([.hour, .minute], from: Date())
        try policy.admit(task, minute: (time.hour ?? 0) * 60 + (time.minute ?? 0))
        let reply = try await reply(to: task)
        try policy.admit(reply)
        return reply
    }

    private func reply(to task: SiteTask) async throws -> SiteReply {
        switch task {
        case .answer(let question):
            switch question.addressee {
            case .learner: return .answer(try await learner.answer(question.payload))
            case .filter(let name):
                guard let filter = filters.first(where: { $0.name == name }) else {
                    throw FederationError.site("\(self.name) has no filter called \(name).")
                }
                return .answer(try await filter.answer(question.payload, site: self.name))
            }
        case .describe:
            var description = try await learner.describe()
            description.name = name
            return .description(description)
        case .initialWeights(let names):
            let names = Set(names)
            return .weights(try await learner.initialWeights().keeping { names.contains($0) })
        case .train(let task):
            for filter in filters { try await filter.admit(task, site: name) }
            var update = try await learner.train(task)
            let context = FilterContext(round: task.round, site: name)
            for filter in filters { update = try await filter.atSite(update, context) }
            return .update(update)
        case .validate(let task): return .validation(try await learner.validate(task))
        case .sendModel:
            if let sealing = filters.first(where: { $0 is any SealingFilter }) {
                throw FederationError.site(
                    "\(name) does not send its own model, which the filter \(sealing.name) hides.")
            }
            return .weights(try await learner.model())
        case .finish(let model):
            try await learner.finish(model)
            return .done
        }
    }
}
