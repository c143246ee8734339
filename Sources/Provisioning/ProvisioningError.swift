/// What goes wrong when a federation is set up or joined: the fact, and the remedy. No secret is ever part of it.
public enum ProvisioningError: Error, CustomStringConvertible, Sendable, Equatable {
    /// Everything that is wrong with a project file, at once.
    case project(file: String, faults: [String])
    /// A name that cannot be one.
    case name(String)
    case file(String, reason: String)
    /// A key that cannot be read or used.
    case key(String)
    /// A certificate, or a chain of them, that is not trusted.
    case certificate(String)
    /// A request for a certificate that the server does not answer with one.
    case refused(EnrolmentRefusal)
    /// What a site was given does not let it join.
    case joining(String)
    case kit(String)
    case authority(String)

    public var description: String {
        switch self {
        case .project(let file, let faults): faults.map { "\(file): \($0)" }.joined(separator: "\n")
        case .file(let name, let reason): "\(name): \(reason)"
        case .refused(let refusal): refusal.description
        case .name(let reason), .key(let reason), .certificate(let reason), .joining(let reason), .kit(let reason),
            .authority(let reason):
            reason
        }
    }
}
