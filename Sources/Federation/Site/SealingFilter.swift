#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A filter after which no update can be read by itself: the server opens a round's updates together, and learns their
/// weighted mean.
///
/// It is the last at the site and the first at the server. Weights are agreed upon before training and applied before
/// sealing, so what needs single updates cannot go beside it: `Strategy.needsPlainUpdates`.
public protocol SealingFilter: UpdateFilter {
    /// Updates without which nothing is opened.
    var fewestUpdates: Int { get }
    /// - Throws: where something of the plan is shared by too few sites to be hidden among them.
    func admit(_ plan: SharingPlan) throws
    /// As an `UpdateFilter`'s. After training, a site that is lost has sent its update all the same.
    func exchange(_ moment: FilterMoment, _ round: SealedRound) throws -> (any Preparation)?
    /// What was agreed upon before training: the round's updates are sealed for it, and for nothing else.
    func session(_ round: SealedRound) -> Data?
    /// Whether a sealed update looks as it must, before it is settled whose are opened.
    func check(_ update: ModelUpdate, from site: String, _ round: SealedRound) throws
    /// - Parameter updates: those that came, by site.
    func open(_ updates: [String: ModelUpdate], _ round: SealedRound) async throws -> OpenedUpdate
}

/// What a round's sealed updates have in common.
public struct SealedRound: Sendable {
    public var round: Int
    public var plan: SharingPlan
    public var content: ModelUpdate.Content
    /// What each site counts, agreed upon before training; only their ratio matters.
    public var weights: [String: Double]

    public init(round: Int, plan: SharingPlan, content: ModelUpdate.Content, weights: [String: Double]) {
        self.round = round
        self.plan = plan
        self.content = content
        self.weights = weights
    }
}

/// The weighted mean of sealed updates.
public struct OpenedUpdate: Sendable {
    /// Under the plan's names: every tensor that one of `sites` shares.
    public var tensors: any TensorSource
    /// Whose updates are in it.
    public var sites: [String]

    public init(_ tensors: any TensorSource, of sites: [String]) {
        self.tensors = tensors
        self.sites = sites
    }
}

extension SealingFilter {
    public func session(_ round: SealedRound) -> Data? { nil }

    public func exchange(_ moment: FilterMoment, round: Int) -> (any Preparation)? { nil }

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        throw FederationError.unusableUpdate(
            site: context.site, fact: "\(name) seals it, and it opens only together with the others")
    }
}

extension FilterContext {
    /// Stands for the site where an update is the mean of all.
    public static let allSites = "all sites"
}

extension Strategy {
    /// The filter that seals updates; nil where the server reads each.
    public var sealing: (any SealingFilter)? { filters.last as? any SealingFilter }

    /// What of this strategy reads single updates, and so cannot go beside a filter that seals them, each with the remedy.
    /// Nor can cross-site validation, which sends single sites' models.
    public var needsPlainUpdates: [String] {
        var found: [String] = []
        if aggregator.readsSingleUpdates {
            found.append("This aggregation compares single updates: take the weighted mean.")
        }
        if keepsModelOfEachModality {
            found.append("A model of each modality is made of some updates only: keep none.")
        }
        if weighting.rule == .steps {
            found.append("Steps are known after training only: weigh sites by examples, uniformly or by given weights.")
        }
        return found
    }
}
