/// Who may do what: rights by role. Server and sites each ask their own.
public struct Authorization: Sendable, Equatable {
    /// Rules of one role.
    public struct Permissions: Sendable, Equatable {
        /// For every right that has none of its own; nil for none.
        public var everything: AuthorizationRule?
        public var categories: [Right.Category: AuthorizationRule] = [:]
        public var rights: [Right: AuthorizationRule] = [:]

        public init() {}

        /// A right's own rule, else its category's, else the role's.
        func rule(for right: Right) -> AuthorizationRule? {
            rights[right] ?? right.category.flatMap { categories[$0] } ?? everything
        }
    }

    public var permissions: [Role: Permissions]
    /// The roles that an organisation's people may have; an organisation that is not named may have all.
    public var rolesOfOrganisations: [String: Set<Role>] = [:]

    public init(permissions: [Role: Permissions]) { self.permissions = permissions }

    /// Whether a caller may do something. What is not allowed in words is not allowed: sites and servers hold no role, a role
    /// without permissions has none, and a target that does not say whose it is belongs to nobody.
    public func allows(_ right: Right, _ caller: Participant, _ target: AuthorizationTarget = .init()) -> Bool {
        guard caller.kind == .administrator, let role = caller.role else { return false }
        if let roles = rolesOfOrganisations[caller.organisation], !roles.contains(role) { return false }
        return permissions[role]?.rule(for: right)?.allows(caller, target) ?? false
    }

    /// FLARE's default policy.
    public static let standard: Authorization = {
        func permissions(
            _ alone: [Right: String], manage: String? = nil, view: String? = nil, operate: String? = nil
        ) -> Permissions {
            var permissions = Permissions()
            permissions.rights = alone.compactMapValues { AuthorizationRule([$0]) }
            permissions.categories[.manageJob] = manage.flatMap { AuthorizationRule([$0]) }
            permissions.categories[.downloadJob] = permissions.categories[.manageJob]
            permissions.categories[.view] = view.flatMap { AuthorizationRule([$0]) }
            permissions.categories[.operate] = operate.flatMap { AuthorizationRule([$0]) }
            permissions.categories[.shellCommands] = permissions.categories[.operate]
            return permissions
        }
        return Authorization(permissions: [
            .projectAdministrator: permissions(
                [.submitJob: "any", .cloneJob: "any", .byoc: "any", .customDatalist: "any"],
                manage: "any", view: "any", operate: "any"),
            .organisationAdministrator: permissions(
                [.submitJob: "none", .cloneJob: "none", .byoc: "none", .customDatalist: "o:site"],
                manage: "o:submitter", view: "any", operate: "o:site"),
            .lead: permissions(
                [.submitJob: "any", .cloneJob: "n:submitter", .byoc: "any", .customDatalist: "none"],
                manage: "n:submitter", view: "any", operate: "o:site"),
            .member: permissions([:], view: "any"),
        ])
    }()
}
