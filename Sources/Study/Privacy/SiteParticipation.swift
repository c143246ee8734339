import Federation
import NNUNet
import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A site in a run, within its own policy: what `cohort simulate` and `cohort site` make before the first task.
public struct SiteParticipation: Sendable {
    /// With all that the run promises for its training.
    public let site: StudySite
    private let rules: SiteRules
    private let task: RunFile.Task
    private let privacy: SitePrivacy?
    /// What the run's privacy will cost here, for the site's own people; nil where it promises none.
    public let costText: String?

    /// - Parameters:
    ///   - run: of which the site is a part.
    ///   - name: the run's in the ledger.
    ///   - ledgers: the folder of the site's ledgers.
    /// - Throws: `FederationError.policy` where the policy refuses the run; `PrivacyError`, `NNUNetError`.
    public init(_ site: StudySite, in run: RunFile, called name: String, rules: SiteRules, ledgers: URL) throws {
        try rules.admit(dataset: site.dataset)
        try rules.admit(run)
        var site = site
        site.minimumCases = max(site.minimumCases, rules.policy.fewestCases)
        site.blockedFields = rules.blockedFields
        privacy = try SitePrivacy(
            of: run, called: name, dataset: site.dataset, policy: rules.privacy, ledgers: ledgers)
        let cost = try privacy?.cost(at: site)
        try rules.privacy?.admit(cost, of: site.dataset)
        try privacy?.prepare(&site)
        self.site = site
        self.rules = rules
        task = run.task
        costText = cost?.text
    }

    /// The participant: its learner books what it releases, and the site's own filters come before the run's.
    public func participant(
        called name: String, learner: any Learner, filters: [any UpdateFilter]
    ) throws -> Federation.Site {
        var policy = rules.policy
        // What a run was let in for is all that it may ask for.
        if task != .train { policy.work.formIntersection([.prepare]) }
        // Its filters know nothing of whole models.
        if !rules.filters.isEmpty { policy.work.remove(.sendModel) }
        // Where the number of cases is not told, the learner itself holds it against the policy's.
        if privacy?.tellsCounts == false { policy.fewestCases = 1 }
        return Federation.Site(
            name: name, learner: try privacy?.accounted(learner, at: site) ?? learner,
            filters: try rules.filters.map { try $0.filter } + filters, policy: policy)
    }
}
