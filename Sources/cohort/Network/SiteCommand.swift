import ArgumentParser
import Crypto
import Federation
import Fleet
import NNUNet
import Provisioning
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct SiteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "site", abstract: "Take part in a federation with this machine's data; dials out only.",
        discussion: """
            EXAMPLES
              cohort site kits/hospital_a --policy site-policy.yaml
              cohort site approve 3 --folder kits/hospital_a/state
              cohort site train 301 3d_fullres 0 --port 8080
            """,
        subcommands: [Work.self, Approve.self, Bench.self], defaultSubcommand: Work.self)

    struct Work: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "work", abstract: "Join by a kit and carry out runs, until it is ended.")

        @Argument(help: "The site's kit, made by cohort join.") var kit: String
        @Option(help: "What the site lets runs do (default: site-policy.yaml in the kit's local folder).")
        var policy: String?
        @Option(help: "Where the site keeps its runs (default: the kit's folder state).") var folder: String?
        @Option(name: .customLong("device", withSingleDash: true), help: "cpu, cuda or cuda:N.") var device: String?
        @Option(help: "Threads of the network on a CPU, where the run does not say (default: the cores).")
        var threads: Int?
        @OptionGroup var passphrase: PassphraseOptions

        func run() async throws {
            let kit = try Kit(contentsOf: URL(filePath: kit))
            let me = try await kit.participant()
            guard me.kind == .site else {
                throw ProvisioningError.kit("This is the kit of \(me.name), which is no site; use a site's")
            }
            let state = folder.map { URL(filePath: $0) } ?? kit.folder.appending(path: "state")
            let file = policy.map { URL(filePath: $0) } ?? kit.local.appending(path: "site-policy.yaml")
            // Without a policy of the site's own, everything is allowed that this program can do.
            let hasPolicy = policy != nil || FileManager.default.fileExists(atPath: file.path)
            let policy = hasPolicy ? try SitePolicy(contentsOf: file) : SitePolicy()
            let log: @Sendable (String) -> Void = { print("\(Date().formatted(.iso8601)) \($0)") }
            log("\(me.name), certificate valid until \(me.notAfter.formatted(.iso8601))")
            log(hasPolicy ? "policy: \(file.path)" : "no policy of the site's own: every run is let in")
            let connection = try kit.connection(
                port: kit.settings.server.port, passphrase: { try passphrase.ofKey(kit.settings.name) })
            let host = RunHost(
                me.name, folder: state, policy: policy, data: DatasetFolders(), device: device,
                threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, log: log)
            try await FleetSite(FleetClient(connection), host: host, folder: state, log: log).run()
        }
    }

    struct Approve: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve", abstract: "Let a run in that waits for a person.")

        @Argument(help: "The run's number, as the site's log tells it.") var number: UInt64
        @Option(help: "Where the site keeps its runs.") var folder: String

        func run() throws {
            let file = RunHost.approval(number, in: URL(filePath: folder))
            guard FileManager.default.fileExists(atPath: file.deletingLastPathComponent().path) else {
                throw ValidationError("No run \(number) waits in \(folder).")
            }
            try Data().write(to: file)
            print("run \(number) is let in")
        }
    }

    struct Bench: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "train", abstract: "Take part in a run on this machine's loopback address, unencrypted.")

        @Argument(help: "The dataset's number or name.") var dataset: String
        @Argument(help: "2d, 3d_fullres, …; must be the server's.") var configuration: String
        @Argument(help: "A number, or all-cases.") var fold: String
        @Option(help: "The server's port on 127.0.0.1.") var port = 8080
        @Option(name: .customLong("device", withSingleDash: true), help: "cpu, cuda or cuda:N.") var device: String?
        @Option(help: "Threads of the network on a CPU (default: the cores).") var threads: Int?
        @Option(help: "Where the site keeps its run (default: runs/site_DATASET).") var output: String?

        func run() async throws {
            let data = DatasetFolders()
            let name = try data.datasetName(dataset)
            var own = RunFile(name: "site", sites: [RunFile.Site(dataset: name)])
            try own.set("sites.0.fold", fold)
            let folder = URL(filePath: output ?? "runs/site_\(name)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let file = folder.appending(path: "site.key")
            let key: P384.Signing.PrivateKey
            if let pem = try? String(contentsOf: file, encoding: .utf8) {
                key = try P384.Signing.PrivateKey(pemRepresentation: pem)
            } else {
                key = P384.Signing.PrivateKey()
                guard
                    FileManager.default.createFile(
                        atPath: file.path, contents: Data(key.pemRepresentation.utf8),
                        attributes: [.posixPermissions: 0o600])
                else { throw ValidationError("\(file.path) cannot be written.") }
            }
            let connection = try HTTPSClient(
                server: Fleet.ServerAddress("http://127.0.0.1:\(port)"), settings: .init(roots: nil))
            let log: @Sendable (String) -> Void = { print($0) }
            let host = RunHost(
                nil, folder: folder, policy: SitePolicy(), own: own.sites[0], configuration: configuration,
                data: data, device: device, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount,
                log: log)
            var settings = FleetSite.Settings()
            settings.endsWithServer = true
            try await FleetSite(
                FleetClient(connection, key: key), host: host, folder: folder, settings: settings, log: log
            ).run()
        }
    }
}
