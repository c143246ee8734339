import ArgumentParser
import Federation
import Fleet
import Provisioning
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Serve a federation: sites join, administrators hand in runs.",
        discussion: """
            EXAMPLES
              cohort server kits/server
              cohort server train --num_clients 3 --port 8080 --rounds 20
            """,
        subcommands: [Serve.self, Bench.self], defaultSubcommand: Serve.self)

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve", abstract: "Serve by a kit, over mutual TLS, until it is ended.")

        @Argument(help: "The server's kit, made by cohort provision.") var kit: String
        @Option(help: "Where runs and models are kept (default: the kit's folder state).") var folder: String?
        @Option(help: "The address to listen on.") var host = "0.0.0.0"
        @OptionGroup var passphrase: PassphraseOptions

        func run() async throws {
            let kit = try Kit(contentsOf: URL(filePath: kit))
            let state = folder.map { URL(filePath: $0) } ?? kit.folder.appending(path: "state")
            let process = ServerProcess(
                kit: kit, folder: state, passphrase: { try passphrase.ofKey(kit.settings.name) }, host: host)
            try await process.run()
        }
    }

    struct Bench: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "train", abstract: "Lead one run on this machine's loopback address, unencrypted, and end.")

        @Option(name: .customLong("num_clients"), help: "Sites to wait for.") var clients: Int
        @Option(help: "The port on 127.0.0.1.") var port = 8080
        @Option(name: .customShort("c"), help: "The configuration.") var configuration = "3d_fullres"
        @OptionGroup var values: RunValues

        func run() async throws {
            guard clients > 0 else { throw ValidationError("--num_clients must be at least 1.") }
            var run = RunFile(name: "train")
            try run.set("plan.configuration", configuration)
            // Who takes part is known when they are there; until then the file is checked with names in their place.
            run.sites = (0..<clients).map { RunFile.Site(name: "site\($0)", dataset: "\($0)") }
            try values.apply(to: &run)
            let output = URL(filePath: run.outputFolder, directoryHint: .isDirectory)
            _ = try ServedRun(run, output: output, engine: NNUNetEngine())
            try await BenchServer(run: run, clients: clients, port: port, output: output).run()
        }
    }
}
