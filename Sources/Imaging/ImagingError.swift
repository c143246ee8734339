/// Why an image cannot be read, written or used: the fact, and the remedy.
public enum ImagingError: Error, CustomStringConvertible, Sendable, Equatable {
    /// A file that cannot be opened or written.
    case file(String, reason: String)
    /// A file whose content is damaged or contradicts itself.
    case damaged(String, reason: String)
    /// A file of a kind that is not read here.
    case unsupported(String, reason: String)
    /// Files that do not belong together, or a value that does not fit.
    case mismatch(String)

    public var description: String {
        switch self {
        case .file(let name, let reason), .unsupported(let name, let reason): "\(name): \(reason)"
        case .damaged(let name, let reason): "\(name) is damaged: \(reason)"
        case .mismatch(let reason): reason
        }
    }
}
