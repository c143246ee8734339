import Federation
import Fleet
import Provisioning
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ServerProcess {
    /// One run: its sites are waited for, as the strategy says.
    static func perform(
        _ id: Int, _ run: RunFile, _ folder: URL, _ service: FleetService, _ nodes: NodeAdmission,
        _ authority: Authority,
        _ print: @escaping @Sendable (String) -> Void
    ) async throws {
        let id = UInt64(id)
        let served = try ServedRun(
            run, output: folder, engine: NNUNetEngine(), at: .server(authority, run: id, order: run.yaml()))
        try await service.closeRuns(besides: id)
        var beginning: FlowerNodeLink.Beginning?
        if run.hasFlowerNodes {
            try await letIn(run.sites.filter(\.isFlowerNode).map(\.name), service, nodes)
            let bundle = try AppBundle(
                [UInt8](Data(contentsOf: folder.appending(path: RunFile.Flower.fabFile))))
            try await service.open(FleetRun(id: id, bundle: bundle), fab: bundle.content)
            if let site = run.sites.first(where: { !$0.isFlowerNode })?.name {
                beginning = .site(FleetLink(to: site, of: service, run: id, order: try SiteOrder(run, site: site).data))
            } else {
                let file = folder.appending(path: RunFile.Flower.initialFile)
                beginning = .weights(try WeightsFile(file).weights())
            }
        }
        try await served.waitForSites(print: print) {
            Set(await service.nodes.filter { $0.status == .online }.map(\.name.description))
        }
        if !run.hasFlowerNodes { try await service.open(FleetRun(id: id)) }
        let names = Set(run.sites.filter(\.isFlowerNode).map(\.name))
        try await served.start(print: print) { [beginning] site in
            if let beginning, names.contains(site) {
                return FlowerNodeLink(to: site, of: service, run: id, beginning: beginning, log: print)
            }
            return FleetLink(
                to: site, of: service, run: id, order: try SiteOrder(run, site: site).data, log: print)
        }
    }

    /// Lets nodes of Flower's call by the keys that are registered for them.
    private static func letIn(_ names: [String], _ service: FleetService, _ nodes: NodeAdmission) async throws {
        var known: [SiteName] = []
        for text in names {
            guard let name = SiteName(text), let key = nodes.keys.key(of: name) else {
                throw StudyError.setting(noKey(text))
            }
            try await service.replaceKey(key, of: name)
            known.append(name)
        }
        nodes.open(to: known)
    }

    static func noKey(_ name: String) -> String {
        "No key is registered for the node \(name). The server's people do that: cohort server register-node \(name) KEY."
    }
}
