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
              cohort site kits/hospital_a --superlink https://fleet.example.org --dataset 301 --rounds 20
              cohort site train 301 3d_fullres 0 --port 8080
            """,
        subcommands: [Work.self, Approve.self, Bench.self], defaultSubcommand: Work.self)

    struct Work: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "work", abstract: "Join by a kit and carry out runs, until it is ended.")

        @Argument(help: "The site's kit, made by cohort join; not needed with --superlink and --key.")
        var kit: String?
        @Option(help: "What the site lets runs do (default: site-policy.yaml in the kit's local folder).")
        var policy: String?
        @Option(help: "Where the site keeps its runs (default: the kit's folder state, or superlink).")
        var folder: String?
        @Option(name: .customLong("device", withSingleDash: true), help: "cpu, cuda or cuda:N.") var device: String?
        @Option(help: "Threads of the network on a CPU, where the run does not say (default: the cores).")
        var threads: Int?
        @OptionGroup var superLink: SuperLinkOptions
        @OptionGroup var passphrase: PassphraseOptions

        func validate() throws {
            switch (kit, superLink.key) {
            case (nil, nil): throw ValidationError("Name the site's kit, or give --superlink and --key.")
            case (.some, .some): throw ValidationError("--key does not go with a kit, which has a key of its own.")
            case (nil, .some): break
            case (.some, nil): break
            }
            if kit == nil, folder == nil { throw ValidationError("Without a kit, say where to work: --folder.") }
        }

        func run() async throws {
            let log: @Sendable (String) -> Void = { print("\(Date().formatted(.iso8601)) \($0)") }
            let kit = try kit.map { try Kit(contentsOf: URL(filePath: $0)) }
            let name = try await name(kit, log)
            let setup = try SiteSetup(kit, policy: policy, device: device, threads: threads)
            log(
                setup.policyFiles.isEmpty
                    ? "no policy of the site's own: every run is let in"
                    : "policy: \(setup.policyFiles.joined(separator: ", narrowed by "))")
            for notice in setup.notices { log("local_config.json, \(notice)") }
            let place = superLink.url == nil ? "state" : "superlink"
            guard let state = folder.map({ URL(filePath: $0) }) ?? kit?.folder.appending(path: place) else { return }
            if superLink.url != nil { return try await workAtSuperLink(kit, name, setup, state, log) }
            guard let kit else { return }
            let key = try kit.privateKey { try passphrase.ofKey(kit.settings.name) }
            let connection = try kit.connection(port: kit.settings.server.port, key: key)
            log("key for secure sums: \(try kit.certificateChain().keyFingerprint)")
            let host = RunHost(
                name, folder: state, setup: setup, secrets: try SiteSecrets(kit, key: key), log: log)
            let site = try FleetSite(
                FleetClient(connection), host: host, folder: state, settings: setup.fleetSettings, log: log)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await site.run() }
                group.addTask {
                    try await CertificateRenewal(
                        kit: kit, key: key, connection: connection, state: state, log: log
                    ).run()
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }

        private func workAtSuperLink(
            _ kit: Kit?, _ name: String, _ setup: SiteSetup, _ state: URL, _ log: @escaping @Sendable (String) -> Void
        ) async throws {
            let order = try superLink.order(site: name, setup.data)
            try FileManager.default.createDirectory(at: state, withIntermediateDirectories: true)
            let host = RunHost(
                name, folder: state, setup: setup, standing: order, rounds: superLink.rounds, log: log)
            let client = try superLink.client(key: try signingKey(kit))
            var settings = setup.fleetSettings
            settings.packs = superLink.packed
            try await FleetSite(client, host: host, folder: state, settings: settings, log: log).run()
        }

        private func name(_ kit: Kit?, _ log: (String) -> Void) async throws -> String {
            guard let kit else { return "site" }
            let me = try await kit.participant()
            guard me.kind == .site else {
                throw ProvisioningError.kit("This is the kit of \(me.name), which is no site; use a site's")
            }
            log("\(me.name), certificate valid until \(me.notAfter.formatted(.iso8601))")
            return me.name
        }

        private func signingKey(_ kit: Kit?) throws -> P384.Signing.PrivateKey {
            if let kit { return try kit.privateKey(passphrase: { try passphrase.ofKey(kit.settings.name) }).key }
            let file = URL(filePath: superLink.key ?? "")
            if FileManager.default.fileExists(atPath: file.path) {
                return try PrivateKey(contentsOf: file, passphrase: { try passphrase.ofKey(file.lastPathComponent) })
                    .key
            }
            return try NodeKeyFile.read(file, orMake: true)
        }
    }

    struct Approve: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve", abstract: "Let a run in that waits for a person.")

        @Argument(help: "The run's number, as the site's log tells it.") var number: UInt64
        @Option(help: "Where the site keeps its runs.") var folder: String

        func run() throws {
            let file = RunHost.approval(number, in: URL(filePath: folder))
            let order = file.deletingLastPathComponent().appending(path: "order.json")
            guard let fingerprint = try? RunHost.fingerprint(of: order) else {
                throw ValidationError("No run \(number) waits in \(folder).")
            }
            try Data(fingerprint.utf8).write(to: file, options: .atomic)
            print("run \(number) is let in")
        }
    }
}
