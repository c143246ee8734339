/// An error whose words may leave the site: they name no case, no path, and nothing that follows from its data.
public protocol TellableError: Error {
    /// For the server's people; nil keeps everything at the site.
    var tellable: String? { get }
}

extension FederationError: TellableError {
    public var tellable: String? {
        switch self {
        case .policy, .site, .setting, .incompatibleSites, .unusableUpdate: "\(self)"
        case .twoSitesOfOneName, .tooFewSites, .unknownSites, .file, .fullDisk, .resume: nil
        }
    }
}
