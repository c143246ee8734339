import Yams

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Project {
    /// Reads a project file: Cohort's own form, or FLARE's `project.yml` of `api_version` 3 or 4.
    ///
    /// - Throws: `ProvisioningError.project` with all that is wrong.
    public init(contentsOf url: URL) throws {
        let data: Data
        do {
            data = try Data(contentsOf: url)
        } catch {
            throw ProvisioningError.file(url.path, reason: "cannot be read; look at its path and permissions")
        }
        guard data.count <= 1 << 20, let text = String(validating: data, as: UTF8.self) else {
            throw ProvisioningError.file(url.path, reason: "is no text of at most 1 MB; is it a project file?")
        }
        try self.init(yaml: text, file: url.lastPathComponent)
    }

    /// Reads text as `init(contentsOf:)` reads a file.
    public init(yaml: String, file: String = "project.yaml") throws {
        let root: Node
        do {
            guard let node = try Parser(yaml: yaml).singleRoot() else {
                throw ProvisioningError.project(file: file, faults: ["the file is empty; write a project into it"])
            }
            root = node
        } catch YamlError.duplicatedKeysInMapping(let names, let context) {
            throw ProvisioningError.project(
                file: file,
                faults: ["line \(context.mark.line): \(names.joined(separator: ", ")) stands here twice; keep one"])
        } catch let error as YamlError {
            throw ProvisioningError.project(file: file, faults: ["the file is no YAML: \(Self.text(error))"])
        }
        let isFLARE = root.mapping.map { $0.contains { ["participants", "api_version"].contains($0.key.string) } }
        let reading = ProjectReading(isFLARE ?? false ? .flare : .cohort)
        guard let fields = ProjectFields(root, "", reading) else {
            throw ProvisioningError.project(file: file, faults: ["the file is no mapping; write keys with values"])
        }
        let project = isFLARE ?? false ? Project(flare: fields, reading) : Project(cohort: fields, reading)
        guard var project else { throw ProvisioningError.project(file: file, faults: reading.texts) }
        let faults = reading.texts + project.faults
        guard faults.isEmpty else { throw ProvisioningError.project(file: file, faults: faults) }
        project.notices = reading.notices
        self = project
    }

    private static func text(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line): \(problem); correct it there or just above"
        default: "it cannot be parsed; look for a missing quote or indentation"
        }
    }
}
