import Crypto
import Federation
import FederationTesting
import Fleet
import Foundation
import Synchronization

/// A server and its sites in one process, with everything between them as it is between machines.
struct LinkBench: Sendable {
    enum Identity: Sendable { case certificates(TestAuthority), keys }

    let identity: Identity
    let folder: URL
    let service: FleetService
    let port: Int

    /// Serves a folder as long as `body` runs.
    static func serve<Result: Sendable>(
        _ identity: Identity, in folder: URL, port: Int = 0, largestMessage: Int = 4 << 30,
        _ body: @Sendable @escaping (LinkBench) async throws -> Result
    ) async throws -> Result {
        let keys: FleetService.Settings.Keys = if case .keys = identity { .registered } else { .refused }
        let service = try FleetService(
            folder.appending(path: "server"), settings: .init(keys: keys, largestMessage: largestMessage))
        let tls: HTTPSServer.TLS? =
            if case .certificates(let authority) = identity {
                HTTPSServer.TLS(
                    identity: try authority.leaf("server", .server).identity(), clientRoots: try authority.roots())
            } else { nil }
        return try await TestServer.run(tls: tls, port: port, routes: FleetEndpoint(service).routes) { server in
            try await body(LinkBench(identity: identity, folder: folder, service: service, port: server.port))
        }
    }

    /// A site's way to the server. Its key or certificate is new; a key is registered under the name.
    func client(_ name: String) async throws -> (FleetClient, HTTPSClient) {
        switch identity {
        case .certificates(let authority):
            let connection = try HTTPSClient(
                server: ServerAddress("https://127.0.0.1:\(port)"),
                settings: .init(identity: authority.leaf(name, .client).identity(), roots: authority.roots()))
            return (FleetClient(connection), connection)
        case .keys:
            let file = folder.appending(path: "\(name).key")
            let key =
                try (try? String(contentsOf: file, encoding: .utf8)).map(
                    P384.Signing.PrivateKey.init(pemRepresentation:))
                ?? P384.Signing.PrivateKey()
            try key.pemRepresentation.write(to: file, atomically: true, encoding: .utf8)
            _ = try await service.register(SigningKey(key.publicKey), as: SiteName(name)!)
            let connection = try HTTPSClient(
                server: ServerAddress("http://127.0.0.1:\(port)"), settings: .init(roots: nil))
            return (FleetClient(connection, key: key), connection)
        }
    }

    /// Lets a site work as long as `body` runs.
    func withSite<Result: Sendable>(
        _ participant: Site, settings: FleetSite.Settings = FleetSite.Settings(),
        _ body: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        let (client, connection) = try await client(participant.name)
        let site = try FleetSite(
            client, host: OneSite(participant), folder: folder.appending(path: participant.name),
            settings: settings, log: { _ in })
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(
                try await withThrowingTaskGroup(of: Result?.self) { group in
                    group.addTask {
                        try await site.run()
                        return nil
                    }
                    group.addTask { try await body() }
                    defer { group.cancelAll() }
                    while let next = try await group.next() { if let next { return next } }
                    throw CancellationError()
                })
        } catch { result = .failure(error) }
        try await connection.close()
        return try result.get()
    }
}

/// Takes part in every run with the same participant.
struct OneSite: SiteHost {
    let site: Site

    init(_ site: Site) { self.site = site }

    func begin(run: UInt64, order: Data) async throws {}
    func participant(run: UInt64) async throws -> Site { site }
}
