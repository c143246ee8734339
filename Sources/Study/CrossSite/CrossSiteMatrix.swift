/// Every model on every site's data: rows are sites whose cases were scored, columns the models that scored them.
public struct CrossSiteMatrix: Sendable, Equatable {
    public enum Cell: Sendable, Equatable {
        /// The mean of each metric over the site's cases.
        case score([String: Double], cases: Int)
        /// Why there is no score: the site refused, was away, or the model never came.
        case missing(reason: String)

        public func value(_ metric: String) -> Double? {
            if case .score(let metrics, _) = self { metrics[metric] } else { nil }
        }
    }

    /// The sites whose data were scored.
    public private(set) var sites: [String]
    /// The owners of the models: "server best", "server final", then sites.
    public private(set) var models: [String]
    private var cells: [String: [String: Cell]] = [:]

    public static let serverBest = "server best"
    public static let serverFinal = "server final"

    public init(sites: [String] = [], models: [String] = []) {
        self.sites = sites
        self.models = models
    }

    /// A cell. One of a site or model that is new adds its row or column; nil where nothing was said.
    public subscript(site: String, model: String) -> Cell? {
        get { cells[site]?[model] }
        set {
            if !sites.contains(site) { sites.append(site) }
            if !models.contains(model) { models.append(model) }
            cells[site, default: [:]][model] = newValue
        }
    }

    /// The metrics that some cell holds, by name.
    public var metrics: [String] {
        var names = Set<String>()
        for case .score(let metrics, _) in cells.values.flatMap(\.values) { names.formUnion(metrics.keys) }
        return names.sorted()
    }

    /// The plain mean of a model over all sites' data; nil where one has no score, since means of different sites do
    /// not compare.
    public func mean(of model: String, metric: String) -> Double? {
        let values = sites.compactMap { self[$0, model]?.value(metric) }.filter(\.isFinite)
        guard !values.isEmpty, values.count == sites.count else { return nil }
        return values.reduce(0, +) / Double(values.count)
    }
}
