/// A federation as its project file describes it: who takes part, under which names, for how long.
public struct Project: Sendable, Equatable {
    public var name: String
    public var description = ""
    public var server: Server
    public var sites: [Site] = []
    public var administrators: [Administrator] = []
    public var lives = CertificateLives()
    /// What the authority calls itself in its certificates.
    public var authorityName: String
    public var authorization = Authorization.standard
    /// What the file says that was read in another way than it stands there.
    public var notices: [Notice] = []

    /// The one server of the federation.
    public struct Server: Sendable, Equatable {
        public var name = "server"
        public var organisation: String
        /// Names and addresses that sites may dial; the first one stands in their kits.
        public var hosts: [String]
        /// That sites dial.
        public var port = 8003
        /// That administrators dial.
        public var administrationPort = 8103
    }

    /// A hospital.
    public struct Site: Sendable, Equatable {
        public var name: String
        public var organisation: String
        /// Where this site dials the server; nil for the server's first name.
        public var dials: String?
        public var resources = SiteResources()
    }

    /// A person who may submit, watch or stop runs.
    public struct Administrator: Sendable, Equatable {
        public var name: String
        public var organisation: String
        public var role: Role
    }

    /// The project's participants: the server, then sites, then administrators.
    var subjects: [CertificateSubject] {
        [CertificateSubject(name: server.name, organisation: server.organisation, kind: .server, hosts: serverHosts)]
            + sites.map { CertificateSubject(name: $0.name, organisation: $0.organisation, kind: .site) }
            + administrators.map {
                CertificateSubject(
                    name: $0.name, organisation: $0.organisation, kind: .administrator, role: $0.role)
            }
    }

    /// Everything that the server's certificate answers to: the names that sites dial, and this machine for its own checks.
    private var serverHosts: [String] {
        var hosts: [String] = []
        let all = server.hosts + sites.compactMap(\.dials) + ["localhost", "127.0.0.1", "::1"]
        for host in all where !hosts.contains(host) { hosts.append(host) }
        return hosts
    }
}

/// For how many days certificates hold.
public struct CertificateLives: Sendable, Equatable, Codable {
    public var root = 3650
    /// Of the certificate that the server signs with.
    public var intermediate = 1825
    public var server = 365
    public var site = 365
    public var administrator = 365

    public init() {}

    func days(for kind: Participant.Kind) -> Int {
        switch kind {
        case .server: server
        case .site: site
        case .administrator: administrator
        }
    }
}
