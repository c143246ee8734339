/// How much each site counts in an average.
///
/// Within a group of sites by `rule`; between groups by `groups`, or by the sum of the group's own weights. With a weight
/// for every group, this is modality-aware averaging.
public struct SiteWeighting: Sendable, Equatable, Codable {
    public enum Rule: Sendable, Equatable, Codable {
        case examples
        case steps
        case uniform
        /// By the name of the site.
        case given([String: Double])
    }

    public var rule: Rule
    /// By modality ("CT"), or by dataset and modality ("Dataset005_Prostate_MR"), which counts first.
    public var groups: [String: Double]?

    public init(_ rule: Rule = .examples, groups: [String: Double]? = nil) {
        self.rule = rule
        self.groups = groups
    }

    /// A site's group and weight in it.
    public struct Weight: Sendable, Equatable {
        public var group: String
        public var groupWeight: Double?
        public var value: Double
    }

    /// - Throws: `FederationError.setting` where a weight is missing, negative or no number.
    public func weight(of site: SiteDescription, examples: Int, steps: Int) throws -> Weight {
        let value: Double =
            switch rule {
            case .examples: Double(examples)
            case .steps: Double(steps)
            case .uniform: 1
            case .given(let weights): weights[site.name] ?? .nan
            }
        guard value.isFinite, value >= 0 else {
            throw FederationError.setting("The weight of \(site.name) is missing or negative: give one for every site.")
        }
        guard let groups else { return Weight(group: "", groupWeight: nil, value: value) }
        let modality = site.modality ?? ""
        for group in [site.dataset + "_" + modality, modality] {
            guard let weight = groups[group] else { continue }
            guard weight.isFinite, weight >= 0 else {
                throw FederationError.setting("The weight of \(group) is \(weight); it must be a number, 0 or above.")
            }
            return Weight(group: group, groupWeight: weight, value: value)
        }
        throw FederationError.setting(
            "No weight is given for \(site.name), of modality \(site.modality ?? "unknown") and dataset \(site.dataset). "
                + "Weights are given for \(groups.keys.sorted().joined(separator: ", ")).")
    }

    /// Shares that add up to 1 over the sites that hold a tensor; nil where all weigh nothing.
    static func shares(_ weights: [Weight]) -> [Double]? {
        var inGroup: [String: Double] = [:]
        for weight in weights { inGroup[weight.group, default: 0] += weight.value }
        let raw = weights.map { weight in
            let sum = inGroup[weight.group]!
            guard let groupWeight = weight.groupWeight else { return weight.value }
            return sum > 0 ? groupWeight * weight.value / sum : 0
        }
        let total = raw.reduce(0, +)
        return total > 0 ? raw.map { $0 / total } : nil
    }
}
