/// Everything that is wrong with a run file, at once.
public struct RunFileError: Error, CustomStringConvertible, Sendable, Equatable {
    public var file: String
    /// In the order of the file's lines; those of overrides come last.
    public var faults: [RunFile.Fault]

    public init(file: String, faults: [RunFile.Fault]) {
        self.file = file
        self.faults = faults.enumerated().sorted {
            ($0.element.place.order.0, $0.element.place.order.1, $0.offset)
                < ($1.element.place.order.0, $1.element.place.order.1, $1.offset)
        }.map(\.element)
    }

    public var description: String { faults.map { $0.text(file: file) }.joined(separator: "\n") }
}

extension RunFile {
    /// One thing that is wrong with a run file: where, the fact, and the remedy.
    public struct Fault: Sendable, Equatable, CustomStringConvertible {
        public var place: Place
        /// Of the key, such as `strategy.minimum_sites`; empty for the file as a whole.
        public var path: String
        /// What goes on behind the path: "is unknown".
        public var fact: String
        /// What to do about it: "did you mean aggregation?"
        public var remedy: String

        public var description: String {
            (path.isEmpty ? "" : path + " ") + fact + "; " + remedy + (remedy.hasSuffix("?") ? "" : ".")
        }

        func text(file: String) -> String {
            switch place {
            case .line(let line, let column): "\(file):\(line):\(column): \(self)"
            case .override: "override: \(self)"
            case .unknown: "\(file): \(self)"
            }
        }
    }

    /// Where a value was written. Lines and columns count from 1.
    public enum Place: Sendable, Equatable {
        case line(Int, column: Int)
        /// By a flag of the command line.
        case override
        case unknown

        var order: (Int, Int) {
            switch self {
            case .unknown: (0, 0)
            case .line(let line, let column): (line, column)
            case .override: (.max, 0)
            }
        }
    }
}
