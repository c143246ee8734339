import Federation
import NNUNet
import Privacy

/// All that a site's people have decided about runs: `site-policy.yaml`, which no run can change.
public struct SiteRules: Sendable, Equatable {
    /// What is asked of every task and every reply.
    public var policy = SitePolicy()
    /// What leaves only with noise, and how much of it; nil leaves that to the run.
    public var privacy: PrivacyPolicy?
    /// Which sums hide its updates from the server; nil leaves that to the run.
    public var secureSums: SecureSumPolicy?
    /// Fields of patients that reach neither training nor wire.
    public var blockedFields = BlockedFields()
    /// What the site itself does to every update, before anything that the run does.
    public var filters: [SiteFilter] = []

    /// As they were written, until the whole is read.
    var blockedNames: [String] = []
    /// FLARE's words for `fewest_cases` and `largest_message_mb`.
    var minimumDatasetSize: Int?
    var maximumModelSize: Double?

    public init() {}
}

// MARK: What is refused

extension SiteRules {
    /// - Throws: `FederationError.policy`.
    public func admit(dataset: String) throws {
        if let allowed = policy.datasets, !allowed.contains(dataset) {
            throw FederationError.policy("it does not allow this dataset")
        }
    }

    /// - Throws: `FederationError.policy`, with the fact.
    public func admit(_ run: RunFile) throws {
        if let column = run.privacy.differentialPrivacy?.patients, blockedFields.contains(column) {
            throw FederationError.policy(
                "the run groups cases by \(column), which is among blocked_data_fields; name a column of pseudonyms")
        }
        try privacy?.admit(run)
        guard run.task == .train else { return }
        try secureSums?.admit(run)
        for filter in filters { try filter.admit(run) }
    }
}
