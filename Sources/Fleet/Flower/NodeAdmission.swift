import Synchronization

/// Which callers without a certificate a server hears: those with a registered key, while a run goes on that names them.
public final class NodeAdmission: Sendable {
    public let keys: NodeKeyFolder
    private let names = Mutex<Set<SiteName>>([])

    public init(_ keys: NodeKeyFolder) { self.keys = keys }

    /// Lets these in from now on, and no others.
    public func open(to nodes: some Sequence<SiteName>) { names.withLock { $0 = Set(nodes) } }

    public func close() { names.withLock { $0 = [] } }

    /// Whether any key is registered at all.
    public var hasKeys: Bool { !keys.names.isEmpty }

    /// To be asked on every call; nil where the key is let in.
    public func failure(_ key: SigningKey) -> FleetFailure? {
        guard let name = keys.name(of: key) else { return FleetFailure.notAuthenticated }
        // A stock node tries again, and so may be started before its run is.
        return names.withLock { $0.contains(name) } ? nil : FleetFailure.noRunOfFlower
    }
}
