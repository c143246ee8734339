import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A filter whose site keeps what an update lost, and adds it to the next when the server has said that it has this one.
public protocol FeedsBack: UpdateFilter {
    var feedsBack: Bool { get }
    /// At the site, of one run; nil at a server.
    var folder: URL? { get }
}

extension FeedsBack {
    func feedback(of site: String) throws -> ErrorFeedback? {
        guard feedsBack else { return nil }
        guard let folder else {
            throw PrivacyError.setting(
                "The filter \(name) keeps on the site's disk what it does not send, and has no folder there. Give one.")
        }
        return try ErrorFeedback(folder, filter: name, site: site)
    }

    public func answer(_ question: Data, site: String) async throws -> Data {
        try feedback(of: site)?.received(round: try UpdateReceipt.round(of: question))
        return Data()
    }

    public func exchange(_ moment: FilterMoment, round: Int) -> (any Preparation)? {
        moment == .afterTraining && feedsBack ? UpdateReceipt(filter: name, round: round) : nil
    }
}
