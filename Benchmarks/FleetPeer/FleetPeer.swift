import ArgumentParser

/// Both ends of the wire as processes whose learning is arithmetic: for interoperation with Flower, for runs that are
/// killed at any instant, and for what a round costs.
@main
struct FleetPeer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-peer", abstract: "A server or a site of a run whose result anyone can work out.",
        subcommands: [
            ServerCommand.self, SiteCommand.self, KeysCommand.self, CertificatesCommand.self, ExpectCommand.self,
        ])
}
