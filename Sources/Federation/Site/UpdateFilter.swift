#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Something done to every update on its way, both halves in one type: quantising, sparsifying, noise, sealing.
///
/// At the site filters run in their order, at the server in the reverse. A filter that cannot read an update throws, and
/// the update is refused.
public protocol UpdateFilter: Sendable {
    var name: String { get }
    /// At the site, before it trains: nothing is spent on an update that could not leave, and the filter knows what it is of.
    ///
    /// - Throws: where the update of this task could not be let out.
    func admit(_ task: TrainTask, site: String) async throws
    func atSite(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate
    func atServer(_ update: ModelUpdate, _ context: FilterContext) async throws -> ModelUpdate
    /// What the filter must ask before a round's training, of the sites that are to train, or after it, of those whose
    /// update came; nil where it asks nothing. What it learns is for `atServer`, which comes after both.
    func exchange(_ moment: FilterMoment, round: Int) -> (any Preparation)?
    /// The site's half of that exchange.
    func answer(_ question: Data, site: String) async throws -> Data
}

public enum FilterMoment: Sendable { case beforeTraining, afterTraining }

/// Where an update comes from.
public struct FilterContext: Sendable, Equatable {
    public var round: Int
    public var site: String

    public init(round: Int, site: String) {
        self.round = round
        self.site = site
    }
}

extension UpdateFilter {
    public func admit(_ task: TrainTask, site: String) async throws {}

    public func exchange(_ moment: FilterMoment, round: Int) -> (any Preparation)? { nil }

    public func answer(_ question: Data, site: String) async throws -> Data {
        throw FederationError.site("The filter \(name) knows no questions.")
    }
}
