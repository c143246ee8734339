import Yams

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A compose file, as far as it says under which names other containers reach the server.
public struct ComposeFile: Sendable {
    private var services: [(names: [String], ports: [Int])] = []

    /// - Throws: `ProvisioningError.file` where it is no compose file.
    public init(contentsOf url: URL) throws {
        try self.init(
            yaml: String(decoding: DurableFile.read(url), as: UTF8.self), file: url.lastPathComponent)
    }

    public init(yaml: String, file: String = "docker-compose.yml") throws {
        guard let services = (try? Parser(yaml: yaml).singleRoot())?.mapping?["services"]?.mapping else {
            throw ProvisioningError.file(file, reason: "is no compose file: it has no services; name the right one")
        }
        for (key, service) in services {
            guard let name = key.string, let service = service.mapping else { continue }
            var names = [name]
            names += ["hostname", "container_name"].compactMap { service[Node($0)]?.string }
            for (_, network) in service["networks"]?.mapping ?? [:] {
                names += network.mapping?["aliases"]?.sequence?.compactMap(\.string) ?? []
            }
            self.services.append((names, (service["ports"]?.sequence ?? []).compactMap(Self.port)))
        }
    }

    /// The names of the services that listen on a port.
    public func hosts(listeningOn port: Int) -> [String] {
        var hosts: [String] = []
        for service in services where service.ports.contains(port) {
            for name in service.names where HostName(name) != nil && !hosts.contains(name) { hosts.append(name) }
        }
        return hosts
    }

    /// The port in the container: of 8003, of "127.0.0.1:9000:8003/tcp", or of {target: 8003}.
    private static func port(_ node: Node) -> Int? {
        if let target = node.mapping?["target"]?.int { return target }
        guard let text = node.scalar?.string else { return nil }
        let inner = text.split(separator: "/").first.map(String.init) ?? text
        return inner.split(separator: ":").last.flatMap { Int($0) }
    }
}
