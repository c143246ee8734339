/// Which nodes there are and whose they are.
struct NodeRegistry {
    private struct Entry {
        var node: FleetNode
        var owner: Owner
    }

    /// Whom a node belongs to, as it stands in the journal.
    enum Owner: Hashable, Codable {
        case certificate(SiteName)
        case key(pem: String)
    }

    private var entries: [UInt64: Entry] = [:]
    private var ids: [Owner: UInt64] = [:]

    /// All nodes, with their states at this moment, in the order of their names.
    func nodes(now: Double) -> [FleetNode] {
        entries.values.map { $0.node.at(now) }.sorted { ($0.name.description, $0.id) < ($1.name.description, $1.id) }
    }

    func node(_ id: UInt64, now: Double) -> FleetNode? { entries[id]?.node.at(now) }

    /// The node that belongs to this owner now.
    func id(of owner: Owner) -> UInt64? { ids[owner] }

    func owner(of id: UInt64) -> Owner? { entries[id]?.owner }

    /// Whether another owner has a node of this name.
    func isTaken(_ name: SiteName, besides owner: Owner) -> Bool {
        ids.contains { $0.key != owner && entries[$0.value]?.node.name == name }
    }

    mutating func register(_ id: UInt64, _ name: SiteName, _ owner: Owner) {
        let hasKey = if case .key = owner { true } else { false }
        entries[id] = Entry(
            node: FleetNode(
                id: id, name: name, hasKey: hasKey, status: .registered, heartbeatInterval: 0, onlineUntil: 0),
            owner: owner)
        ids[owner] = id
    }

    mutating func unregister(_ id: UInt64) {
        guard let entry = entries[id] else { return }
        entries[id]?.node.status = .unregistered
        if ids[entry.owner] == id { ids[entry.owner] = nil }
    }

    /// A sign of life.
    mutating func lives(_ id: UInt64, interval: Double, now: Double) {
        entries[id]?.node.status = .online
        entries[id]?.node.heartbeatInterval = interval
        entries[id]?.node.onlineUntil = now + interval * FleetNode.patience
    }

    mutating func deactivate(_ id: UInt64, now: Double) {
        entries[id]?.node.status = .offline
        entries[id]?.node.onlineUntil = now
    }

    /// What the journal must say for this to come back.
    var journal: [MessageJournal.Entry] {
        entries.values.sorted { $0.node.id < $1.node.id }.flatMap { entry -> [MessageJournal.Entry] in
            let registered = MessageJournal.Entry.registered(entry.node.id, name: entry.node.name, entry.owner)
            return switch entry.node.status {
            case .unregistered: []
            case .online: [registered, .active(entry.node.id, interval: entry.node.heartbeatInterval)]
            case .offline: [registered, .inactive(entry.node.id)]
            case .registered: [registered]
            }
        }
    }
}

extension FleetNode {
    fileprivate func at(_ now: Double) -> FleetNode {
        var node = self
        if status == .online, onlineUntil < now { node.status = .offline }
        return node
    }
}
