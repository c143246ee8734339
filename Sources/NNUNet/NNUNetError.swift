/// What goes wrong with nnU-Net's folders and what their files say: the fact, and the remedy. What is wrong with a file's
/// form is a `FileError`.
public enum NNUNetError: Error, CustomStringConvertible, Sendable, Equatable {
    /// A file or folder that is not there or does not hold what a stage needs.
    case file(String, reason: String)
    /// Text that is not JSON.
    case json(file: String, line: Int, column: Int, reason: String)
    /// A key of a JSON file that is missing or has an unusable value.
    case key(file: String, key: String, reason: String)
    /// A dataset that is not as nnU-Net needs it; one line per fact.
    case dataset(String, facts: [String])
    /// A case that cannot be used.
    case badCase(String, reason: String)
    /// An option or a plan that cannot be followed.
    case plan(String)
    /// An answer of a federation's site that cannot be used.
    case site(String, reason: String)

    public var description: String {
        switch self {
        case .file(let name, let reason): "\(name): \(reason)"
        case .json(let file, let line, let column, let reason):
            "\(file) is not valid JSON (line \(line), column \(column)): \(reason)"
        case .key(let file, let key, let reason): "\(file): \"\(key)\" \(reason)"
        case .dataset(let name, let facts):
            facts.count == 1
                ? "\(name): \(facts[0])"
                : "\(name) has \(facts.count) faults:\n" + facts.map { "  - " + $0 }.joined(separator: "\n")
        case .badCase(let identifier, let reason): "case \(identifier): \(reason)"
        case .plan(let reason): reason
        case .site(let name, let reason): "site \(name): \(reason)"
        }
    }
}
