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
    public func crossValidate(_ result: RunResult) async throws -> CrossSiteResult {
        var matrix = CrossSiteResult()
        matrix.sites = sites
        func judge(_ model: String, by judges: [String]? = nil, _ task: (String) -> SiteTask) async throws {
            matrix.models.append(model)
            try await Exchange.perform(tasks(task, for: judges ?? sites), deadline: strategy.deadline) { outcome in
                let cell: CrossSiteResult.Cell
                switch outcome.result {
                case .success(.validation(let result)): cell = .judged(result)
                case .success: cell = .missing("it did not judge the model")
                case .failure(let error): cell = .missing(outcome.isLate ? "not in time" : "\(error)")
                }
                matrix.cells[outcome.site, default: [:]][model] = cell
            }
        }
        let plan = result.plan
        let round = settings.rounds
        try await judge(Self.serverFinal) {
            .validate(ValidationTask(round: round, model: plan.model(of: $0, from: result.global)))
        }
        if let best = result.best {
            try await judge(Self.serverBest) {
                .validate(ValidationTask(round: round, model: plan.model(of: $0, from: best)))
            }
        }
        for owner in sites {
            do {
                guard let link = links[owner], case .weights(let model) = try await link.perform(.sendModel) else {
                    throw FederationError.site("it sent no model")
                }
                let kinds = Dictionary(plan.sites.map { ($0.name, $0.kind) }, uniquingKeysWith: { a, _ in a })
                let judges = sites.filter { kinds[$0] == kinds[owner] }
                try await judge(owner, by: judges) { _ in
                    .validate(ValidationTask(round: round, model: model, owner: owner))
                }
                for site in sites where !judges.contains(site) {
                    matrix.cells[site, default: [:]][owner] = .missing("\(owner) has other channels or labels")
                }
            } catch {
                matrix.models.append(owner)
                for site in sites { matrix.cells[site, default: [:]][owner] = .missing("\(owner): \(error)") }
            }
        }
        return matrix
    }
}
