import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A filter of which the site's half is enough: what comes to the server is sealed, and passes as it is.
public struct SiteHalf: UpdateFilter {
    private let filter: any UpdateFilter

    public init(_ filter: any UpdateFilter) { self.filter = filter }

    public var name: String { filter.name }

    public func admit(_ task: TrainTask, site: String) async throws { try await filter.admit(task, site: site) }

    public func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate {
        try await filter.atSite(update, context)
    }

    public func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate { update }

    public func exchange(_ moment: FilterMoment, round: Int) -> (any Preparation)? {
        filter.exchange(moment, round: round)
    }

    public func answer(_ question: Data, site: String) async throws -> Data {
        try await filter.answer(question, site: site)
    }
}
