import ArgumentParser
import Provisioning

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct MakeKitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Make the authority and the server's kit, or startup kits for everyone.",
        discussion: """
            Run again after a change: who did not change keeps key and certificate, and with --kits everyone's kit is the same \
            byte for byte, so adding a site touches no other site.

            EXAMPLE
              cohort provision project.yaml
              cohort provision -p project.yml -w workspace --kits --compose docker-compose.flare.yml
            """)

    @Argument(help: ArgumentHelp("The project file.", valueName: "project")) var file: String?
    @Option(name: .short, help: ArgumentHelp("The project file, as FLARE's users name it.", valueName: "file"))
    var project: String?
    @Option(name: .shortAndLong, help: ArgumentHelp("Where the project's folder is made.", valueName: "folder"))
    var workspace = "workspace"
    @Flag(help: "Make startup kits of all participants, in the next of prod_00, prod_01, …") var kits = false
    @Option(help: ArgumentHelp("One more name or address under which sites reach the server.", valueName: "name"))
    var host: [String] = []
    @Option(
        help: ArgumentHelp(
            "A compose file: the names of the service on the server's port are put into its certificate.",
            valueName: "file"))
    var compose: String?
    @Option(
        help: ArgumentHelp(
            "A folder of folders with FLARE's local_config.json: put into the sites' kits; where they dial is put into the "
                + "server's certificate.", valueName: "folder"))
    var siteConfigs: String?
    @Option(help: ArgumentHelp("Give this participant a new key and certificate.", valueName: "name"))
    var renew: [String] = []
    @Flag(help: "Make a new intermediate key for the server, with the root key. Sites need no change.")
    var newIntermediate = false
    @OptionGroup var passphrase: PassphraseOptions

    func validate() throws {
        guard (file == nil) != (project == nil) else {
            throw ValidationError("Name one project file: cohort provision project.yaml")
        }
        if siteConfigs != nil, !kits { throw ValidationError("--site-configs goes with --kits.") }
    }

    func run() async throws {
        var project = try Project(contentsOf: URL(filePath: file ?? self.project ?? ""))
        for notice in project.notices { StandardError.write("Notice: \(notice)\n") }
        var options = Workspace.Options()
        options.newIntermediate = newIntermediate
        options.renewed = Set(renew)
        let passphrase = passphrase
        // A root key is made once in years: worth a question where somebody is there to answer.
        options.passphrase = { try passphrase.ofKey("the root key (empty for none)") }
        var hosts = host
        if let compose {
            hosts += try ComposeFile(contentsOf: URL(filePath: compose)).hosts(listeningOn: project.server.port)
        }
        if let siteConfigs {
            options.siteConfigurations = try configurations(in: URL(filePath: siteConfigs), of: &project)
        }
        try project.addHosts(hosts.sorted())
        let workspace = Workspace(project, in: URL(filePath: workspace))
        let outcome = try await kits ? workspace.makeKits(options) : workspace.makeServerKit(options)
        report(outcome)
    }

    private func configurations(
        in folder: URL, of project: inout Project
    ) throws -> [String: (data: Data, configuration: SiteConfiguration)] {
        var found: [String: (data: Data, configuration: SiteConfiguration)] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            let file = folder.appending(path: name).appending(path: "local_config.json")
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            let configuration = try SiteConfiguration(contentsOf: file)
            for notice in configuration.notices {
                StandardError.write("Notice: \(name)/local_config.json, \(notice)\n")
            }
            guard project.adopt(configuration) else {
                if configuration.name != project.server.name {
                    StandardError.write(
                        "Notice: \(name)/local_config.json is that of \(configuration.name), who is no site of this project; it "
                            + "is left out\n")
                }
                continue
            }
            found[configuration.name] = (try Data(contentsOf: file), configuration)
        }
        return found
    }

    private func report(_ outcome: Workspace.Outcome) {
        print(kits ? "Startup kits: \(outcome.folder.path)" : "The server's kit: \(outcome.folder.path)")
        if !outcome.issued.isEmpty { print("New certificates: \(outcome.issued.joined(separator: ", "))") }
        if !outcome.kept.isEmpty { print("Kept as they were: \(outcome.kept.joined(separator: ", "))") }
        for (name, days) in outcome.ending.sorted(by: { $0.key < $1.key }) {
            print("The certificate of \(name) ends in \(days) days; make a new one with --renew \(name)")
        }
        print("Authority's fingerprint (SHA-256): \(outcome.authorityFingerprint)")
        if let key = outcome.newRootKey {
            print("Root key: \(key.path)")
            print(
                "  Move it to a medium that is kept offline. It is needed again for a new intermediate key, years from now."
            )
        }
        if !kits {
            print("Next: cohort provision invite NAME --org ORGANISATION --server \(outcome.folder.path)")
        }
    }
}
