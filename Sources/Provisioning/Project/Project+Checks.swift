extension Project {
    /// What is wrong with the whole, one line a fault.
    package var faults: [String] {
        var faults: [String] = []
        if let fault = ParticipantName.fault(name) { faults.append("project: \(fault)") }
        if let fault = ParticipantName.organisationFault(authorityName) { faults.append("authority: \(fault)") }
        var seen: [String: String] = [:]
        for subject in subjects {
            if let fault = ParticipantName.fault(subject.name, of: subject.kind) {
                faults.append(fault)
            } else if let other = seen.updateValue(subject.name, forKey: subject.name.lowercased()) {
                faults.append(
                    "two participants are called \(subject.name)"
                        + (other == subject.name ? "" : " and \(other), which are one folder on some machines")
                        + "; give one of them another name")
            }
            if let fault = ParticipantName.organisationFault(subject.organisation) {
                faults.append("\(ParticipantName.shown(subject.name)): \(fault)")
            }
        }
        for host in server.hosts + sites.compactMap(\.dials) where HostName(host) == nil {
            faults.append(
                "the server's host \(ParticipantName.shown(host)) is neither a host name nor an address; correct it")
        }
        if server.hosts.isEmpty {
            faults.append("the server has no host; name at least one under which sites reach it")
        }
        for port in [server.port, server.administrationPort] where !(1...65535).contains(port) {
            faults.append("the port \(port) is none; write 1 to 65535")
        }
        for days in [lives.root, lives.intermediate, lives.server, lives.site, lives.administrator]
        where !(1...36500).contains(days) {
            faults.append("a certificate cannot hold for \(days) days; write 1 to 36500")
        }
        for administrator in administrators {
            if let roles = authorization.rolesOfOrganisations[administrator.organisation],
                !roles.contains(administrator.role)
            {
                faults.append(
                    "\(administrator.name) is \(administrator.role.rawValue), which the file does not allow to "
                        + "\(administrator.organisation); allow it there, or give another role")
            }
        }
        return faults
    }

    /// Takes from a site's own configuration where it dials, where the project does not say.
    ///
    /// - Returns: whether it is that of a site of the project.
    public mutating func adopt(_ configuration: SiteConfiguration) -> Bool {
        guard let place = sites.firstIndex(where: { $0.name == configuration.name }) else { return false }
        sites[place].dials = sites[place].dials ?? configuration.server?.host
        return true
    }

    /// Adds names under which sites reach the server.
    ///
    /// - Throws: `ProvisioningError.name` where one is none.
    public mutating func addHosts(_ hosts: [String]) throws {
        for host in hosts where !server.hosts.contains(host) {
            guard HostName(host) != nil else {
                throw ProvisioningError.name("\(ParticipantName.shown(host)) is neither a host name nor an address")
            }
            server.hosts.append(host)
        }
    }
}
