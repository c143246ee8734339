import ArgumentParser
import Federation
import Fleet
import Foundation

/// Serves one run. Started again on its folder, it goes on with it.
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Leads a run to its end, and writes its final model.")

    @Option(help: "What must survive a restart.") var folder: String
    @Option var port: Int
    @Option(help: "Names of Cohort's sites, with commas between.") var sites = ""
    @Option var rounds: Int
    @Option(help: "The server's certificate, with the intermediate ones: PEM. Without it, plain HTTP on loopback.")
    var cert: String?
    @Option(help: "The certificate's key: PEM.") var key: String?
    @Option(help: "Authorities of the sites' certificates: PEM.") var roots: String?
    @Option(help: "A folder of public keys, NAME.pub, whose callers sign their calls.") var keys: String?
    @Flag(help: "Any key may call; --sites then only says how many there will be.") var anyKey = false
    @Option(help: "Names of stock Flower nodes, with commas between; their keys are in --keys.") var flowerNodes = ""
    @Option(help: "The app bundle that they run.") var fab: String?
    @Option(help: "The model that they begin with, in safetensors.") var initial: String?
    @Option(help: "Seconds from a round's start to its last update.") var deadline: Double?
    @Option(help: "Sites that every round needs; all where nothing is said.") var minimum: Int?
    @Option(help: "Validates every so many rounds, and after the last; 0 never.") var validationInterval = 1
    @Flag(help: "Models go as one array.") var packed = false
    @Option(help: "The final model, in safetensors.") var output: String

    private var siteNames: [String] { sites.split(separator: ",").map(String.init) }
    private var flowerNames: [String] { flowerNodes.split(separator: ",").map(String.init) }

    func validate() throws {
        guard [cert, key, roots].allSatisfy({ ($0 == nil) == (cert == nil) }) else {
            throw ValidationError("--cert, --key and --roots go together.")
        }
        guard cert != nil || keys != nil || anyKey else {
            throw ValidationError("Without --cert, sites need --keys, or --any-key.")
        }
        guard !siteNames.isEmpty || !flowerNames.isEmpty else { throw ValidationError("A run needs sites.") }
        guard flowerNames.isEmpty || (fab != nil && initial != nil && keys != nil) else {
            throw ValidationError("--flower-nodes needs --fab, --initial and --keys.")
        }
    }

    func run() async throws {
        ServerMemory.bound()
        let folder = URL(filePath: folder)
        let runFolder = folder.appending(path: "run")
        let output = URL(filePath: output)
        if try FileManager.default.fileExists(atPath: output.path) && RunFolder(runFolder).hasEnded {
            return Output.json(Ending(wasThere: true))
        }
        let service = try FleetService(
            folder.appending(path: "fleet"),
            settings: .init(keys: anyKey ? .any : keys != nil ? .registered : .refused))
        if let keys {
            for (name, key) in try SigningKeyFile.registered(in: keys) { _ = try await service.register(key, as: name) }
        }
        if let fab {
            let bundle = try AppBundle([UInt8](Data(contentsOf: URL(filePath: fab))))
            try await service.open(FleetRun(id: Self.run, bundle: bundle), fab: bundle.content)
        } else {
            try await service.open(FleetRun(id: Self.run))
        }
        let server = try HTTPSServer(
            settings, routes: FleetEndpoint(service).routes, policy: policy,
            audit: { Output.error("refused: \($0.status ?? 0) \($0.route ?? "") \($0.reason)") },
            onListening: { Output.error("listening on port \($0)") })
        try await server.run(service) {
            let result = try await lead(service, in: runFolder)
            try WeightsFile.write(result.global, to: output)
            try await service.close(Self.run)
            try await server.shutdown()
            Output.json(Ending(wasThere: false))
        }
    }

    /// The only run of a service.
    private static let run: UInt64 = 1

    private func lead(_ service: FleetService, in folder: URL) async throws -> RunResult {
        let names = anyKey ? try await service.names(of: siteNames.count) : siteNames
        var strategy = Strategy()
        strategy.minimumSites = minimum ?? names.count + flowerNames.count
        strategy.deadline = deadline.map { .seconds($0) }
        strategy.validationInterval = validationInterval
        let coordinator = try Coordinator(
            RunSettings(rounds: rounds), strategy: strategy,
            folder: try RunFolder(folder, leavesModelsOnDisk: true), observers: [RoundPrinter()])
        for name in names {
            try await coordinator.join(
                FleetLink(to: name, of: service, run: Self.run, packs: packed, log: Output.error))
        }
        if let initial {
            let initial = try WeightsFile(URL(filePath: initial)).weights()
            for name in flowerNames {
                try await coordinator.join(
                    FlowerNodeLink(
                        to: name, of: service, run: Self.run, beginning: .weights(initial), log: Output.error))
            }
        }
        return try await coordinator.run()
    }

    private var settings: HTTPSServer.Settings {
        get throws {
            var tls: HTTPSServer.TLS?
            if let cert, let key, let roots {
                tls = .init(
                    identity: try TLSIdentity(certificateChain: text(cert), privateKey: text(key)),
                    clientRoots: try TLSRoots(pem: text(roots)))
            }
            var settings = HTTPSServer.Settings(host: "127.0.0.1", port: port, tls: tls, audience: .sites)
            // All sites are at the one address.
            settings.limits.connectionsPerAddress = settings.limits.connections
            return settings
        }
    }

    private var policy: AccessPolicy {
        let takesKeys = keys != nil || anyKey
        return AccessPolicy(
            identify: { try Peer(certificate: $0) }, refusal: { _ in nil },
            allowsAnonymous: { takesKeys && $0.hasPrefix("/v1/fleet/") })
    }
}

extension FleetService {
    /// The names of the first nodes, when so many are there.
    fileprivate func names(of count: Int) async throws -> [String] {
        let changes = changes()
        func names() -> [String] { nodes.filter { $0.status != .unregistered }.map(\.name.description) }
        if names().count >= count { return Array(names().prefix(count)) }
        for await _ in changes where names().count >= count { return Array(names().prefix(count)) }
        throw CancellationError()
    }
}

/// One line for each round, and one for what went wrong.
private actor RoundPrinter: RoundObserver {
    private var begin = ContinuousClock.now

    private struct Round: Encodable {
        var round: Int
        var seconds: Double
        var phases: [String: Double]
        /// Tensors alone, of all sites together.
        var bytesSent: Int
        var bytesReceived: Int
        var sites: [String]
    }

    func observe(_ event: RunEvent) {
        switch event {
        case .roundBegins: begin = .now
        case .roundEnds(let report):
            Output.json(
                Round(
                    round: report.round, seconds: (.now - begin) / .seconds(1),
                    phases: Dictionary(uniqueKeysWithValues: report.seconds.map { ($0.key.rawValue, $0.value) }),
                    bytesSent: report.sites.map(\.bytesSent).reduce(0, +),
                    bytesReceived: report.sites.map(\.bytesReceived).reduce(0, +), sites: report.participants))
        case .siteLeftOut(let site, let step, let reason): Output.error("\(site), \(step): \(reason)")
        case .resumed(let reports): Output.error("resumed after \(reports.count) rounds")
        default: break
        }
    }
}

/// The last line.
private struct Ending: Encodable {
    var ended = true
    /// Whether an earlier process had written the model.
    var wasThere: Bool
    var peakMegabytes = Output.peakMegabytes
}
