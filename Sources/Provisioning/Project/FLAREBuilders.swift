import Yams

/// What the builders of a FLARE project mean. Their order means nothing here, and no class is looked up by its name.
struct FLAREBuilders {
    private(set) var lives = CertificateLives()
    private(set) var authorityName: String?
    private(set) var authorization = Authorization.standard
    /// Names of the server in the overseer agent's end point.
    private(set) var serverHosts: [String] = []

    init(_ nodes: [Node], _ whole: Node?, _ reading: ProjectReading) {
        var order: [String] = []
        for node in nodes {
            guard let fields = ProjectFields(node, "builder", reading), let path = fields.required("path") else {
                continue
            }
            let name = path.split(separator: ".").last.map(String.init) ?? path
            order.append(name)
            let arguments = fields.fields("args")
            switch name {
            case "CertBuilder": readCertificates(arguments, reading)
            case "AuthPolicyBuilder":
                reading.notice(
                    node,
                    "AuthPolicyBuilder is gone from FLARE since 2.2.1; its rules are translated into the authorization policy"
                )
                if let arguments { readPolicy(arguments, reading) }
            case "WorkspaceBuilder":
                if arguments?.node("template_file") != nil {
                    reading.notice(
                        arguments?.node("template_file"), "template_file is ignored: Cohort's kits need no template")
                }
            case "StaticFileBuilder": readStaticFiles(arguments, reading)
            case "SignatureBuilder": break
            case "HEBuilder": readEncryption(arguments, node, reading)
            default:
                reading.notice(
                    node, "the builder \(ParticipantName.shown(name)) is unknown and ignored: no code is loaded by name"
                )
            }
            // Cohort asks these builders for no more; what is left over is named.
            if ["CertBuilder", "AuthPolicyBuilder", "WorkspaceBuilder"].contains(name) { arguments?.finish() }
            fields.finish()
        }
        if let certificates = order.firstIndex(of: "CertBuilder"),
            let workspace = order.firstIndex(of: "WorkspaceBuilder"),
            certificates < workspace
        {
            reading.notice(
                nodes[certificates],
                "CertBuilder stands before WorkspaceBuilder, which FLARE cannot run; the order is mended")
        }
        if !nodes.isEmpty, !order.contains("SignatureBuilder") {
            reading.notice(whole, "SignatureBuilder is missing; kits are signed all the same")
        }
    }

    /// What is encrypted and how, a run says; the arguments are told in its words.
    private func readEncryption(_ arguments: ProjectFields?, _ node: Node, _ reading: ProjectReading) {
        var settings: [String] = []
        for key in ["poly_modulus_degree", "scale_bits"] {
            if let number = arguments?.number(key) { settings.append("\(key): \(number)") }
        }
        if let bits = arguments?.node("coeff_mod_bit_sizes")?.sequence?.compactMap(\.int) {
            settings.append("coeff_mod_bit_sizes: \(bits)")
        }
        if let scheme = arguments?.text("scheme"), scheme != "CKKS" {
            reading.notice(
                arguments?.node("scheme"), "the scheme \(ParticipantName.shown(scheme)) is not known here; CKKS is")
        }
        arguments?.finish()
        reading.notice(
            node,
            "HEBuilder puts no key into kits here: who makes the kits could open every site's updates. Sites make one and give "
                + "it to each other as local/ckks.key, and the run file says strategy: {secure_aggregation: {ckks: {"
                + settings.joined(separator: ", ") + "}}}; or, without a key that all share, secure_aggregation: masks")
    }

    private mutating func readCertificates(_ arguments: ProjectFields?, _ reading: ProjectReading) {
        guard let arguments else { return }
        authorityName = arguments.text("issuer_cn")
        var taken: [String] = authorityName == nil ? [] : ["issuer_cn"]
        func days(_ keys: String..., set: (Int) -> Void) {
            for key in keys {
                guard let days = arguments.number(key) else { continue }
                taken.append(key)
                set(days)
            }
        }
        var lives = lives
        days("root_cert_life", "root_valid_days") { lives.root = $0 }
        days("server_cert_life") { lives.server = $0 }
        days("client_cert_life") { days in
            lives.site = days
            lives.administrator = days
        }
        lives.intermediate = min(lives.intermediate, lives.root)
        self.lives = lives
        taken.removeAll { $0 == "root_valid_days" }
        if !taken.isEmpty {
            reading.notice(
                arguments.node,
                "FLARE's CertBuilder takes no \(taken.joined(separator: ", ")); they are honoured here, lives in days")
        }
    }

    /// Roles of organisations, and `allow_byoc` and `allow_custom_datalist` of roles.
    private mutating func readPolicy(_ arguments: ProjectFields, _ reading: ProjectReading) {
        if let organisations = arguments.fields("orgs") {
            for (organisation, _) in organisations.entries {
                authorization.rolesOfOrganisations[organisation] = Set(
                    organisations.texts(organisation).compactMap { Role(named: $0, reading, organisations.node) })
            }
        }
        guard let rules = arguments.fields("rules") else { return }
        for (name, node) in rules.entries {
            guard let role = Role(named: name, reading, node), let rule = rules.fields(name) else { continue }
            // Who is not of the whole project decides on their own site alone.
            let allowed: AuthorizationRule =
                role == .projectAdministrator ? .any : AuthorizationRule(allowing: [.organisationOfSite])
            if let byoc = rule.flag("allow_byoc") {
                authorization.permissions[role, default: .init()].rights[.byoc] = byoc ? allowed : .none
            }
            if let datalist = rule.flag("allow_custom_datalist") {
                authorization.permissions[role, default: .init()].rights[.customDatalist] = datalist ? allowed : .none
            }
            rule.finish()
        }
    }

    private mutating func readStaticFiles(_ arguments: ProjectFields?, _ reading: ProjectReading) {
        guard let arguments else { return }
        for key in ["docker_image", "app_validator", "require_signed_jobs"] where arguments.node(key) != nil {
            reading.notice(
                arguments.node(key), "\(key) is ignored: no code from outside is run, and runs are files of settings")
        }
        // Where FLARE keeps its files, and how its processes talk, mean nothing here.
        for key in ["config_folder", "scheme"] { _ = arguments.node(key) }
        defer { arguments.finish() }
        guard let agent = arguments.fields("overseer_agent") else { return }
        reading.notice(
            agent.node,
            "overseer_agent is ignored but for the server's name in sp_end_point: there is no overseer")
        guard let endPoint = agent.fields("args")?.text("sp_end_point"),
            let host = endPoint.split(separator: ":").first.map(String.init), HostName(host) != nil
        else { return }
        serverHosts.append(host)
    }
}
