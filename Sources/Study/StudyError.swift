/// What goes wrong with the files of a run: the fact, and the remedy. Folders stay out of it, since errors are reported.
public enum StudyError: Error, CustomStringConvertible, Sendable, Equatable {
    /// A line in the middle of a log that is not a round.
    case line(file: String, line: Int, reason: String)
    /// A matrix or table that does not have the shape it must have.
    case content(file: String, reason: String)
    /// A file that cannot be read or written.
    case file(String, reason: String)
    /// A value of a run that cannot be followed here.
    case setting(String)

    public var description: String {
        switch self {
        case .line(let file, let line, let reason):
            "\(file), line \(line): \(reason). Mend or remove that line; only a torn last line is dropped by itself"
        case .content(let file, let reason): "\(file): \(reason)"
        case .file(let name, let reason): "\(name): \(reason)"
        case .setting(let reason): reason
        }
    }
}
