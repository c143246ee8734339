import Federation
import Fleet
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One run on a trusted machine: plain HTTP on the loopback address, sites known by keys that they make themselves.
struct BenchServer {
    let run: RunFile
    let clients: Int
    let port: Int
    let output: URL

    func run() async throws {
        ServerMemory.bound()
        let service = try FleetService(
            output.appending(path: "server").appending(path: "fleet"), settings: .init(keys: .any))
        let policy = AccessPolicy(
            identify: { _ in throw Refusal(status: 401, detail: "There are no certificates here.") },
            refusal: { _ in nil }, allowsAnonymous: { _ in true })
        let server = try HTTPSServer(
            .init(host: "127.0.0.1", port: port, tls: nil, audience: .sites), routes: FleetEndpoint(service).routes,
            policy: policy, audit: { _ in }, onListening: { print("listening on 127.0.0.1:\($0)") })
        try await server.run(service) { try await lead(service) }
    }

    private func lead(_ service: FleetService) async throws {
        var names: [String] = []
        var said = -1
        while names.count < clients {
            names = await service.nodes.filter { $0.status == .online }.map(\.name.description)
            if names.count < clients {
                if said != names.count { print("waiting for \(clients - names.count) of \(clients) sites") }
                said = names.count
                try await Task.sleep(for: .milliseconds(300))
            }
        }
        var run = run
        // Which dataset each has, the site itself says.
        run.sites = names.sorted().prefix(clients).map { RunFile.Site(name: $0, dataset: $0) }
        let file = run
        try await service.open(FleetRun(id: 1))
        try await ServedRun(file, output: output, engine: NNUNetEngine()).start(print: { print($0) }) { site in
            FleetLink(to: site, of: service, run: 1, order: try SiteOrder(file, site: site).data, log: { print($0) })
        }
        try await service.close(1)
        // Sites learn with their next call that the run has ended.
        try await Task.sleep(for: .seconds(1))
    }
}
