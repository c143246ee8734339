/// What goes wrong in a federation: the fact, and the remedy. Sites are named; patients never are.
public enum FederationError: Error, CustomStringConvertible, Sendable, Equatable {
    case twoSitesOfOneName(String)
    /// A site's update that must not touch the model.
    case unusableUpdate(site: String, fact: String)
    case tooFewSites(needed: Int, present: [String], reasons: [String])
    case unknownSites([String], known: [String])
    case incompatibleSites(String)
    /// A setting of the strategy that makes no sense.
    case setting(String)
    case file(String, reason: String)
    /// There is no room for what shall be written at this path: the same may go well later.
    case fullDisk(String)
    /// A run that cannot be taken up again.
    case resume(String)
    /// A site's policy refuses.
    case policy(String)
    /// What a site reports of its own failure.
    case site(String)

    public var description: String {
        switch self {
        case .twoSitesOfOneName(let name):
            "Two sites are called \(name). Give one of them another name: updates are told apart by it."
        case .unusableUpdate(let site, let fact): "The update of \(site) is refused: \(fact)."
        case .tooFewSites(let needed, let present, let reasons):
            "\(needed) sites are needed and \(present.count) are there"
                + (present.isEmpty ? "" : " (\(present.joined(separator: ", ")))") + "."
                + reasons.map { "\n  - " + $0 }.joined()
        case .unknownSites(let names, let known):
            "There is no site called \(names.joined(separator: ", ")); known are \(known.joined(separator: ", "))."
        case .incompatibleSites(let reason), .setting(let reason), .resume(let reason), .site(let reason): reason
        case .policy(let fact): "The site's policy refuses: \(fact)."
        case .file(let name, let reason): "\(name): \(reason)"
        case .fullDisk(let path): "The disk of \(path) is full. Make room on it."
        }
    }
}
