/// Which tensors of which sites are averaged with each other: by what they do and their shape, never by position.
///
/// Sites of other depths or shapes hold networks that are equal in part. A tensor is shared by all sites that have it
/// under the same aligned name, with the same shape and type; one that no other site has stays at home.
public struct SharingPlan: Sendable {
    public struct Share: Sendable, Equatable {
        /// Of the averaged tensor. Its name is the aligned one, with shape and kind added where several have that name.
        public var tensor: TensorDescription
        /// Site to its own name for it.
        public var members: [String: String]
        /// Whether only sites of one kind share it: an input convolution or a head beside a shared backbone.
        public var isOfOneKind = false
    }

    public let shares: [Share]
    public let sites: [SiteDescription]

    private struct Key: Hashable {
        var name: String
        var shape: [Int]
        var type: ScalarType
        var circle: Sharing.Circle
    }

    /// - Throws: `FederationError.incompatibleSites` where nothing is shared, or one site would share two tensors as one.
    public init(sites: [SiteDescription], sharing: Sharing) throws {
        let sites = sites.sorted { $0.name < $1.name }
        var order: [Key] = []
        var members: [Key: [String: String]] = [:]
        for site in sites {
            for role in site.tensors {
                guard let circle = sharing.circle(of: role, kind: site.kind) else { continue }
                let key = Key(
                    name: role.alignedName, shape: role.tensor.shape, type: role.tensor.type, circle: circle)
                if members[key] == nil { order.append(key) }
                if let twin = members[key, default: [:]].updateValue(role.tensor.name, forKey: site.name) {
                    throw FederationError.incompatibleSites(
                        "\(site.name) has two tensors for \(role.alignedName): \(twin) and \(role.tensor.name).")
                }
            }
        }
        let shared = order.filter { key in
            if case .sitesOfKind = key.circle { return true }
            return sites.count == 1 || members[key]!.count > 1
        }
        guard !shared.isEmpty else {
            throw FederationError.incompatibleSites(
                "The sites' networks have no tensor in common that may be shared: "
                    + sites.map { "\($0.name) has \($0.tensors.count)" }.joined(separator: ", ")
                    + ". Plan them from one fingerprint, or share less.")
        }
        let uses = Dictionary(shared.map { ($0.name, 1) }, uniquingKeysWith: +)
        shares = shared.map { key in
            var name = key.name
            if uses[key.name]! > 1 {
                name += " " + key.shape.map(String.init).joined(separator: "x") + " " + key.type.rawValue
                if case .sitesOfKind(let kind) = key.circle { name += " " + kind }
            }
            return Share(
                tensor: TensorDescription(name: name, shape: key.shape, type: key.type), members: members[key]!,
                isOfOneKind: key.circle != .allSites)
        }
        self.sites = sites
    }

    /// The part of a site's model that it shares, under the site's own names, out of the averaged tensors.
    public func model(of site: String, from global: Weights) -> Weights {
        Weights(
            shares.compactMap { share in share.members[site].flatMap { global[share.tensor.name]?.renamed($0) } })
    }

    /// What a site must send: its own names, with shapes and types.
    public func expectation(of site: String) -> [TensorDescription] {
        shares.compactMap { share in
            share.members[site].map {
                TensorDescription(name: $0, shape: share.tensor.shape, type: share.tensor.type)
            }
        }
    }

    /// What a site shares with sites of every kind, under its own names.
    public func backbone(of site: String) -> [String] {
        shares.compactMap { $0.isOfOneKind ? nil : $0.members[site] }
    }

    /// The tensors of a site that never leave it.
    public func localTensors(of site: SiteDescription) -> [String] {
        let shared = Set(expectation(of: site.name).map(\.name))
        return site.tensors.map(\.tensor.name).filter { !shared.contains($0) }
    }

    private init(shares: [Share], sites: [SiteDescription]) { (self.shares, self.sites) = (shares, sites) }

    /// The plan of one site that stands for several, with all that they share under the plan's own names.
    func united(of sites: [String]) -> SharingPlan {
        let held = shares.filter { share in sites.contains { share.members[$0] != nil } }
        return SharingPlan(
            shares: held.map { share in
                var share = share
                share.members = [FilterContext.allSites: share.tensor.name]
                return share
            }, sites: [SiteDescription(name: FilterContext.allSites, examples: 0)])
    }
}
