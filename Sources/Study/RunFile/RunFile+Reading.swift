#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension RunFile {
    /// A value that a flag of the command line puts in place of the file's.
    public struct Override: Sendable, Equatable {
        /// Such as `training.rounds` or `sites.hospital_a.fold`; hyphens will do.
        public var path: String
        /// As the file would say it.
        public var value: String

        public init(_ path: String, _ value: String) {
            self.path = path
            self.value = value
        }

        /// `training.rounds=100`; nil without a path and an equals sign.
        public init?(_ assignment: String) {
            guard let equals = assignment.firstIndex(of: "="), equals > assignment.startIndex else { return nil }
            self.init(String(assignment[..<equals]), String(assignment[assignment.index(after: equals)...]))
        }
    }

    /// Reads a file, puts flags' values in place of its own, and checks the whole.
    ///
    /// - Throws: `RunFileError` with all that is wrong.
    public init(contentsOf url: URL, overrides: [Override] = []) throws {
        let text: String
        do {
            guard let valid = String(validating: try Data(contentsOf: url), as: UTF8.self) else {
                throw RunFileError.file(url.path, "is no text", "save it as UTF-8")
            }
            text = valid
        } catch let error as RunFileError {
            throw error
        } catch {
            throw RunFileError.file(url.path, "The file cannot be read", "look at its path and permissions")
        }
        try self.init(yaml: text, file: url.path, overrides: overrides)
    }

    /// Reads text as `init(contentsOf:overrides:)` reads a file.
    ///
    /// - Parameter file: its name in faults, and that of a run that has none.
    public init(yaml: String, file: String = "run.yaml", overrides: [Override] = []) throws {
        var (root, faults) = YAMLNode.parse(yaml)
        guard root != nil else { throw RunFileError(file: file, faults: faults) }
        for override in overrides { faults += root!.apply(override) }
        try self.init(root!, faults: faults, source: Source(file: file), checks: true)
    }

    /// Puts a value in place, by the code that reads files; `check` looks at the whole.
    ///
    /// - Throws: `RunFileError`; the run file is then as it was.
    public mutating func set(_ path: String, _ value: String) throws {
        var root = node
        let faults = root.apply(Override(path, value))
        self = try RunFile(root, faults: faults, source: source, checks: false)
    }

    private init(_ root: YAMLNode, faults: [Fault], source: Source, checks: Bool) throws {
        var reading = Reading(faults: faults)
        self.init()
        read(root, at: "", &reading)
        if name.isEmpty { name = URL(filePath: source.file).deletingPathExtension().lastPathComponent }
        self.source = Source(
            file: source.file,
            places: reading.places.filter { $0.value != .unknown }.merging(source.places) { new, _ in new })
        if checks {
            reading.places = self.source.places
            checkWhole(&reading)
        }
        guard reading.faults.isEmpty else { throw RunFileError(file: source.file, faults: reading.faults) }
    }
}

extension YAMLNode {
    /// Puts a flag's value in place. Whether there is such a key, reading will tell.
    fileprivate mutating func apply(_ override: RunFile.Override) -> [RunFile.Fault] {
        let (value, faults) = Self.parse(override.value, place: .override)
        func fault(_ fact: String, _ remedy: String) -> RunFile.Fault {
            RunFile.Fault(place: .override, path: override.path, fact: fact, remedy: remedy)
        }
        guard let value else {
            return [
                fault("is \"\(override.value)\", which is not YAML", "put quotes around a text with special letters")
            ]
        }
        let path = override.path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !path.contains("") else {
            return [fault("is no path", "write keys with a dot between, such as training.rounds")]
        }
        if let (missing, known) = set(value, at: path[...]) {
            let remedy =
                nearest(to: missing, in: known).map { "did you mean \($0)?" }
                ?? "known here are \(known.joined(separator: ", "))"
            return faults + [fault("leads to no site", remedy)]
        }
        return faults
    }
}

extension RunFileError {
    fileprivate static func file(_ path: String, _ fact: String, _ remedy: String) -> RunFileError {
        RunFileError(
            file: path, faults: [RunFile.Fault(place: .unknown, path: "", fact: fact, remedy: remedy)])
    }
}
