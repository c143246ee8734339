import Yams

extension Project {
    /// Cohort's own form. Returns nil where so much is missing that there is no project; the reading knows what.
    init?(cohort fields: ProjectFields, _ reading: ProjectReading) {
        let name = fields.required("project")
        let description = fields.text("description") ?? ""
        let authorityName = fields.text("authority")

        let server = fields.fields("server").flatMap { Server(cohort: $0, reading) }
        if server == nil, !fields.has("server") {
            reading.fault(fields.node, "server is missing; write server: with org and hosts under it")
        }
        let sites = fields.list("sites").compactMap { Site(cohort: $0, reading) }
        let administrators = fields.list("administrators").compactMap { Administrator(cohort: $0, reading) }
        var lives = CertificateLives()
        if let days = fields.fields("certificate_days") {
            lives.root = days.number("root") ?? lives.root
            lives.intermediate = days.number("intermediate") ?? lives.intermediate
            lives.server = days.number("server") ?? lives.server
            lives.site = days.number("site") ?? lives.site
            lives.administrator = days.number("administrator") ?? lives.administrator
            days.finish()
        }
        var authorization = Authorization.standard
        if let permissions = fields.node("authorization") {
            authorization.read(permissions, reading)
        }
        if let organisations = fields.fields("roles_by_org") {
            for (organisation, _) in organisations.entries {
                authorization.rolesOfOrganisations[organisation] = Set(
                    organisations.texts(organisation).compactMap { Role(named: $0, reading, organisations.node) })
            }
            organisations.finish()
        }
        fields.finish()
        guard let name, let server else { return nil }
        self.init(
            name: name, description: description, server: server, sites: sites, administrators: administrators,
            lives: lives, authorityName: authorityName ?? Self.authorityName(of: name), authorization: authorization)
    }

    static func authorityName(of project: String) -> String { String("\(project) authority".prefix(64)) }
}

extension Project.Server {
    fileprivate init?(cohort fields: ProjectFields, _ reading: ProjectReading) {
        let name = fields.text("name") ?? "server"
        let organisation = fields.required("org")
        if !fields.has("hosts") {
            reading.fault(fields.node, "server.hosts is missing; name the hosts under which sites reach it")
        }
        let hosts = fields.texts("hosts")
        let port = fields.number("port") ?? 8003
        let administrationPort = fields.number("administration_port") ?? 8103
        fields.finish()
        guard let organisation else { return nil }
        self.init(
            name: name, organisation: organisation, hosts: hosts, port: port, administrationPort: administrationPort)
    }
}

extension Project.Site {
    /// A name alone is a site of an organisation of that name.
    fileprivate init?(cohort node: Node, _ reading: ProjectReading) {
        if case .scalar(let scalar) = node {
            self.init(name: scalar.string, organisation: scalar.string)
            return
        }
        guard let fields = ProjectFields(node, "sites", reading) else { return nil }
        let name = fields.required("name")
        let organisation = fields.text("org")
        let dials = fields.text("dials")
        fields.finish()
        guard let name else { return nil }
        self.init(name: name, organisation: organisation ?? name, dials: dials)
    }
}

extension Project.Administrator {
    fileprivate init?(cohort node: Node, _ reading: ProjectReading) {
        guard let fields = ProjectFields(node, "administrators", reading) else { return nil }
        let name = fields.required("name")
        let organisation = fields.required("org")
        let role = fields.required("role").flatMap { Role(named: $0, reading, fields.node) }
        fields.finish()
        guard let name, let organisation, let role else { return nil }
        self.init(name: name, organisation: organisation, role: role)
    }
}
