import Privacy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a run's strategy is put to work: what its filters need there and no run file can say.
///
/// Without anything it is that of a server whose sites nobody can know: it opens no sum.
public struct StrategyPlace: Sendable {
    /// Who signs what sites say in secure sums, and how others know.
    public enum Keys: Sendable {
        case none
        /// Made on the spot, for both halves in one process.
        case simulated(sites: [String])
        /// Keys of certificates: signers of the sites that are here, at a server none.
        case certificates(signers: [String: any SiteSigner], any SiteVerifier)
    }

    /// Tells the run from all others; the same at the server and all sites.
    public var run: String
    /// Where a site's filters keep what they leave out of this run's updates.
    public var folder: URL?
    public var keys: Keys
    /// Shared by all sites; a server must not have it.
    public var ckksKey: Data?

    public init(run: String = "", folder: URL? = nil, keys: Keys = .none, ckksKey: Data? = nil) {
        self.run = run
        self.folder = folder
        self.keys = keys
        self.ckksKey = ckksKey
    }
}
