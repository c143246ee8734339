import Yams

extension Project {
    /// FLARE's `project.yml`, as it stands: what FLARE would refuse or ignore is named, and its evident meaning honoured.
    ///
    /// Returns nil where so much is missing that there is no project; the reading knows what.
    init?(flare fields: ProjectFields, _ reading: ProjectReading) {
        if let version = fields.number("api_version"), ![3, 4].contains(version) {
            reading.fault(fields.node("api_version"), "api_version \(version) is not known; 3 and 4 are")
        }
        let name = fields.required("name")
        let description = fields.text("description") ?? ""
        Self.noteSecurity(fields, "the project", reading)
        if fields.node("studies") != nil {
            reading.notice(fields.node("studies"), "studies are ignored: rights depend on role and organisation alone")
        }
        if fields.node("packager") != nil {
            reading.notice(fields.node("packager"), "packager is ignored: kits are folders")
        }
        if let overseer = fields.node("overseer") {
            reading.notice(
                overseer, "overseer is ignored: FLARE removed it too, and the server goes on by itself after a crash")
        }

        var participants = FLAREParticipants()
        for node in fields.list("participants") { participants.read(node, reading) }
        participants.note(reading)
        let builders = FLAREBuilders(fields.list("builders"), fields.node("builders"), reading)
        fields.finish()

        guard participants.serverCount == 1 else {
            reading.fault(
                fields.node("participants"),
                "\(participants.serverCount) participants are of type server; there must be one")
            return nil
        }
        guard var server = participants.server, let name else { return nil }
        for host in builders.serverHosts where !server.hosts.contains(host) { server.hosts.append(host) }
        self.init(
            name: name, description: description, server: server, sites: participants.sites,
            administrators: participants.administrators, lives: builders.lives,
            authorityName: builders.authorityName ?? Self.authorityName(of: name),
            authorization: builders.authorization)
        noteVacantRoles(reading, fields.node("participants"))
    }

    static func noteSecurity(_ fields: ProjectFields, _ whose: String, _ reading: ProjectReading) {
        if let security = fields.text("connection_security"), security != "mtls" {
            reading.notice(
                fields.node("connection_security"),
                "connection_security \(security) of \(whose) is ignored: Cohort's sites always use mutual TLS")
        }
    }

    /// Names roles that the policy speaks of and nobody has.
    private func noteVacantRoles(_ reading: ProjectReading, _ node: Node?) {
        for role in Role.allCases {
            let organisations = authorization.rolesOfOrganisations.filter { $0.value.contains(role) }.keys.sorted()
            guard !organisations.isEmpty, !administrators.contains(where: { $0.role == role }) else { continue }
            reading.notice(
                node,
                "no administrator has the role \(role.rawValue), which \(organisations.joined(separator: " and ")) may give: "
                    + "nobody can act in it until someone is invited: cohort provision invite NAME --role \(role.rawValue)"
            )
        }
    }
}

/// The participants of a FLARE project.
struct FLAREParticipants {
    private(set) var server: Project.Server?
    private(set) var serverCount = 0
    private(set) var sites: [Project.Site] = []
    private(set) var administrators: [Project.Administrator] = []
    private var first: Node?
    private var listening: [String] = []
    private var strangeOrganisations: [String] = []
    private var strangeAdministrators: [String] = []

    mutating func read(_ node: Node, _ reading: ProjectReading) {
        first = first ?? node
        guard let fields = ProjectFields(node, "participant", reading) else { return }
        let name = fields.required("name")
        let type = fields.required("type")
        guard let name, let type else { return }
        let isKnown = ["server", "client", "admin"].contains(type)
        guard isKnown else {
            if ["overseer", "relay"].contains(type) {
                reading.notice(
                    node,
                    "\(ParticipantName.shown(name)) of type \(type) is ignored: every site dials the server itself")
            } else {
                let near = nearest(to: type, in: ["server", "client", "admin"])
                reading.fault(
                    node,
                    "\(ParticipantName.shown(name)) is of the unknown type \(ParticipantName.shown(type)); "
                        + (near.map { "did you mean \($0)?" } ?? "write server, client or admin"))
            }
            return
        }
        guard let organisation = fields.required("org") else { return }
        if !Self.isSimple(organisation), !strangeOrganisations.contains(organisation) {
            strangeOrganisations.append(organisation)
        }
        Project.noteSecurity(fields, name, reading)
        if let parent = fields.text("parent") {
            reading.notice(
                fields.node("parent"), "parent \(parent) of \(name) is ignored: every site dials the server itself")
        }
        switch type {
        case "server": readServer(name, organisation, fields, reading)
        case "client": readSite(name, organisation, fields, reading)
        default: readAdministrator(name, organisation, fields, reading)
        }
        for key in ["use_aio", "cc_config", "auth_identity", "custom_ca_cert", "allow_log_streaming"]
        where fields.node(key) != nil {
            reading.notice(fields.node(key), "\(key) of \(name) is ignored: Cohort has nothing that it would set")
        }
        fields.finish()
    }

    private mutating func readServer(
        _ name: String, _ organisation: String, _ fields: ProjectFields, _ reading: ProjectReading
    ) {
        serverCount += 1
        var server = Project.Server(name: name, organisation: organisation, hosts: [])
        let first = fields.text("default_host") ?? name
        for host in [first, name] + fields.texts("host_names") where !server.hosts.contains(host) {
            if host != name || HostName(host) != nil { server.hosts.append(host) }
        }
        let proper = fields.number("fed_learn_port")
        let port = fields.number("port")
        if let port, proper == nil {
            reading.notice(fields.node("port"), "port \(port) is no key of FLARE's; it is taken for fed_learn_port")
        } else if port != nil {
            reading.notice(fields.node("port"), "port is no key of FLARE's and is ignored beside fed_learn_port")
        }
        if let scheme = fields.text("protocol") {
            reading.notice(
                fields.node("protocol"),
                "protocol \(scheme) is no key of FLARE's; sites speak Flower's Fleet API over HTTPS")
        }
        server.port = proper ?? port ?? 8002
        // FLARE 2.5 has 8003 where nothing is written; later ones the same port as for sites.
        server.administrationPort = fields.number("admin_port") ?? (server.port == 8003 ? 8103 : 8003)
        if self.server == nil { self.server = server }
        if server.hosts.filter({ HostName($0) != nil && $0.contains(".") }).isEmpty {
            reading.notice(
                fields.node,
                "the server is known as \(server.hosts.joined(separator: ", ")) only: names that sites dial must be in its "
                    + "certificate; write host_names, or give --host NAME or --compose FILE")
        }
    }

    private mutating func readSite(
        _ name: String, _ organisation: String, _ fields: ProjectFields, _ reading: ProjectReading
    ) {
        var site = Project.Site(name: name, organisation: organisation)
        if fields.node("listening_host") != nil { listening.append(name) }
        if let node = fields.node("connect_to") {
            if case .scalar(let scalar) = node {
                site.dials = scalar.string
            } else if let address = fields.fields("connect_to") {
                site.dials = address.text("host") ?? address.text("name")
                for key in ["name", "port", "connection_security", "auth_identity"] { _ = address.node(key) }
                if address.node("port") != nil {
                    reading.notice(
                        address.node("port"), "connect_to.port of \(name) is ignored: sites dial the server's own port")
                }
                address.finish()
            }
        }
        if let capacity = fields.fields("capacity") {
            site.resources.readCapacity(capacity, reading)
            if let node = capacity.node("mem_per_gpu_in_GiB") {
                reading.notice(
                    node,
                    "mem_per_gpu_in_GiB is ignored: it is for FLARE's scheduler, and a site takes the GPU that it has")
            }
            capacity.finish()
        }
        sites.append(site)
    }

    private mutating func readAdministrator(
        _ name: String, _ organisation: String, _ fields: ProjectFields, _ reading: ProjectReading
    ) {
        if fields.node("connect_to") != nil {
            reading.notice(
                fields.node("connect_to"),
                "connect_to of \(name) is ignored: administrators dial the server's first host name")
        }
        guard let role = fields.required("role").flatMap({ Role(named: $0, reading, fields.node("role")) }) else {
            return
        }
        if !Self.isEmail(name) { strangeAdministrators.append(name) }
        administrators.append(Project.Administrator(name: name, organisation: organisation, role: role))
    }

    /// One notice a kind of fault, however many participants have it.
    func note(_ reading: ProjectReading) {
        if !strangeOrganisations.isEmpty {
            reading.notice(
                first,
                "FLARE's names of organisations have no hyphen; \(strangeOrganisations.joined(separator: ", ")) "
                    + "\(strangeOrganisations.count == 1 ? "is" : "are") accepted here")
        }
        if !strangeAdministrators.isEmpty {
            reading.notice(
                first,
                "FLARE's administrators are e-mail addresses of a full domain; \(strangeAdministrators.joined(separator: ", ")) "
                    + "\(strangeAdministrators.count == 1 ? "is" : "are") accepted here")
        }
        if !listening.isEmpty {
            reading.notice(
                first,
                "listening_host of \(listening.joined(separator: ", ")) is ignored: sites dial out, and open no port")
        }
    }

    private static func isSimple(_ name: String) -> Bool {
        name.unicodeScalars.allSatisfy { $0.isASCII && ($0.properties.isAlphabetic || $0 == "_" || ("0"..."9") ~= $0) }
    }

    private static func isEmail(_ name: String) -> Bool {
        let parts = name.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let dot = parts[1].lastIndex(of: "."), dot > parts[1].startIndex
        else {
            return false
        }
        let top = parts[1][parts[1].index(after: dot)...]
        return top.count >= 2 && top.allSatisfy(\.isLetter)
    }
}
