import Federation

/// What goes wrong where privacy is kept: the fact, and the remedy. Nothing here names a patient or tells a secret.
public enum PrivacyError: Error, CustomStringConvertible, Sendable, Equatable {
    /// A setting that makes no sense, or that promises what it would not keep.
    case setting(String)
    /// An update that a filter cannot read, or must not let pass.
    case refused(String)
    /// What would be spent is more than the site allows.
    case overBudget(String)
    /// A message of a secure sum that is not what its sender must have sent.
    case forged(String)
    case file(String, reason: String)

    public var description: String {
        switch self {
        case .setting(let text), .refused(let text), .overBudget(let text), .forged(let text): text
        case .file(let name, let reason): "\(name): \(reason)"
        }
    }
}

extension PrivacyError: TellableError {
    /// Settings and budgets may be about the number of a site's records.
    public var tellable: String? {
        switch self {
        case .refused(let text), .forged(let text): text
        case .setting, .overBudget, .file: nil
        }
    }
}
