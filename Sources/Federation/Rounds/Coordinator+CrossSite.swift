/// Every model on every site's validation cases.
public struct CrossSiteResult: Sendable, Equatable {
    public enum Cell: Sendable, Equatable {
        case judged(ValidationResult)
        case missing(String)
    }

    /// Whose cases.
    public var sites: [String] = []
    /// "server final", "server best" where one was judged, and the sites.
    public var models: [String] = []
    public fileprivate(set) var cells: [String: [String: Cell]] = [:]

    public subscript(site: String, model: String) -> Cell? { cells[site]?[model] }
}

extension Coordinator {
    public static let serverFinal = "server final"
    public static let serverBest = "server best"

    /// Lets every site judge every site's own model and the server's. One model at a time is in memory.
    ///
    /// - Throws: `FederationError.setting` where updates are sealed: a site's own model would tell what they hide.
    public func crossValidate(_ result: RunResult) async throws -> CrossSiteResult {
        if let sealing = strategy.sealing {
            throw FederationError.setting(
                "Cross-site validation sends single sites' models, which the filter \(sealing.name) hides. Leave out one of the two."
            )
        }
        var matrix = CrossSiteResult()
        matrix.sites = sites
        let plan = result.plan
        let round = settings.rounds
        func add(_ model: String, _ column: [String: CrossSiteResult.Cell]) {
            matrix.models.append(model)
            for (site, cell) in column { matrix.cells[site, default: [:]][model] = cell }
        }
        let final = try await column(sites) {
            ValidationTask(round: round, model: plan.model(of: $0, from: result.global))
        }
        add(Self.serverFinal, final)
        if let best = result.best {
            let column = try await column(sites) {
                ValidationTask(round: round, model: plan.model(of: $0, from: best), owner: .serverBest)
            }
            add(Self.serverBest, column)
        }
        let kinds = Dictionary(plan.sites.map { ($0.name, $0.kind) }, uniquingKeysWith: { a, _ in a })
        for owner in sites {
            let judges = sites.filter { kinds[$0] == kinds[owner] }
            let others = sites.filter { !judges.contains($0) }
            var cells = Dictionary(
                uniqueKeysWithValues: others.map {
                    ($0, CrossSiteResult.Cell.missing("\(owner) has other channels or labels"))
                })
            do {
                let model = try await model(of: owner)
                let column = try await column(judges) { _ in
                    ValidationTask(round: round, model: model, owner: .site(owner))
                }
                cells.merge(column) { $1 }
            } catch {
                if error is CancellationError, Task.isCancelled { throw error }
                for judge in judges { cells[judge] = .missing("\(owner): \(error)") }
            }
            add(owner, cells)
        }
        return matrix
    }

    private func model(of site: String) async throws -> Weights {
        var model: Weights?
        try await Exchange.perform(tasks({ _ in .sendModel }, for: [site]), until: endOfExchange) {
            if case .weights(let weights) = try $0.result.get() { model = weights }
        }
        guard let model else { throw FederationError.site("it sent no model") }
        return model
    }

    /// What every judge says of one model.
    private func column(_ judges: [String], _ task: (String) -> ValidationTask) async throws
        -> [String: CrossSiteResult.Cell]
    {
        var cells: [String: CrossSiteResult.Cell] = [:]
        try await Exchange.perform(tasks({ .validate(task($0)) }, for: judges), until: endOfExchange) { outcome in
            switch outcome.result {
            case .success(.validation(let result)): cells[outcome.site] = .judged(result)
            case .success: cells[outcome.site] = .missing("it did not judge the model")
            case .failure(let error):
                if error is CancellationError, Task.isCancelled { throw error }
                cells[outcome.site] = .missing(outcome.isLate ? "not in time" : "\(error)")
            }
        }
        return cells
    }

    private var endOfExchange: Deadline? { deadline(strategy.deadline) }
}
