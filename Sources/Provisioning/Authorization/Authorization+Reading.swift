import Yams

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Authorization {
    /// Reads FLARE's `authorization.json`, with Cohort's `roles_by_org` beside `permissions`.
    ///
    /// - Throws: `ProvisioningError.file` where anything in it is not understood: half a policy would be none.
    public init(contentsOf url: URL) throws {
        guard let data = try? Data(contentsOf: url), let text = String(validating: data, as: UTF8.self) else {
            throw ProvisioningError.file(
                url.lastPathComponent, reason: "cannot be read; look at its path and permissions")
        }
        try self.init(json: text, file: url.lastPathComponent)
    }

    /// Reads text as `init(contentsOf:)` reads a file.
    public init(json: String, file: String = "authorization.json") throws {
        self.init(permissions: [:])
        let reading = ProjectReading(.cohort)
        // JSON is YAML, and so faults have lines.
        guard let root = try? Parser(yaml: json).singleRoot(), let fields = ProjectFields(root, "", reading) else {
            throw ProvisioningError.file(file, reason: "is no JSON object, or has a key twice; correct it")
        }
        if fields.text("format_version") ?? "1.0" != "1.0" {
            reading.fault(root, "format_version is not 1.0; write a policy of that version")
        }
        if let permissions = fields.node("permissions") { read(permissions, reading) }
        if let organisations = fields.fields("roles_by_org") {
            for (organisation, _) in organisations.entries {
                rolesOfOrganisations[organisation] = Set(
                    organisations.texts(organisation).compactMap { Role(named: $0, reading, organisations.node) })
            }
        }
        fields.finish()
        guard reading.faults.isEmpty else { throw ProvisioningError.project(file: file, faults: reading.texts) }
    }

    /// Reads rules by role; roles that are named replace what was there.
    mutating func read(_ node: Node, _ reading: ProjectReading) {
        guard let roles = ProjectFields(node, "authorization", reading) else { return }
        for (name, node) in roles.entries {
            guard let role = Role(named: name, reading, node) else { continue }
            permissions[role] = Permissions(node, name, reading)
        }
    }

    /// As a policy file holds it, in FLARE's grammar; keys sorted, so that equal policies are equal files.
    public var json: String {
        var roles: [String: [String: [String]]] = [:]
        for (role, permissions) in permissions {
            var rules: [String: [String]] = [:]
            for right in Right.allCases { rules[right.rawValue] = permissions.rights[right]?.expressions }
            for category in Right.Category.allCases {
                rules[category.rawValue] = permissions.categories[category]?.expressions
            }
            // A rule for everything is spelt out: it reaches what has no rule of its own.
            if let everything = permissions.everything {
                for right in Right.allCases where permissions.rule(for: right) == everything {
                    rules[right.rawValue] = everything.expressions
                }
            }
            roles[role.rawValue] = rules
        }
        struct File: Encodable {
            var format_version = "1.0"
            var permissions: [String: [String: [String]]]
            var roles_by_org: [String: [String]]?
        }
        let organisations = rolesOfOrganisations.mapValues { $0.map(\.rawValue).sorted() }
        return JSONText.encode(File(permissions: roles, roles_by_org: organisations.isEmpty ? nil : organisations))
    }
}

extension Authorization.Permissions {
    fileprivate init(_ node: Node, _ place: String, _ reading: ProjectReading) {
        if case .scalar = node {
            everything = Self.rule(node, place, reading)
            return
        }
        guard let fields = ProjectFields(node, place, reading) else { return }
        for (name, node) in fields.entries {
            if let right = Right(rawValue: name) {
                rights[right] = Self.rule(node, fields.path(name), reading)
            } else if let category = Right.Category(rawValue: name) {
                categories[category] = Self.rule(node, fields.path(name), reading)
            } else {
                let near = nearest(to: name, in: Right.names)
                reading.fault(
                    node, "\(fields.path(name)) is no right; " + (near.map { "did you mean \($0)?" } ?? "remove it"))
            }
        }
    }

    /// What is not understood allows nothing, and is a fault.
    private static func rule(_ node: Node, _ place: String, _ reading: ProjectReading) -> AuthorizationRule {
        let expressions: [String?] =
            switch node {
            case .sequence(let entries): entries.map { $0.scalar?.string }
            default: [node.scalar?.string]
            }
        if let rule = AuthorizationRule(expressions.map { $0 ?? "" }) { return rule }
        reading.fault(
            node, "\(place) is no rule; write any, none, o:site, o:submitter, n:submitter, or not before one of them")
        return .none
    }
}
