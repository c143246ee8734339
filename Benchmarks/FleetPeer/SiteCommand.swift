import ArgumentParser
import Crypto
import Federation
import Fleet
import Foundation

/// A site with an arithmetic learner. It works until it is ended.
struct SiteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "site", abstract: "A site whose values go half of the way to its target in each round.")

    @Option var name: String
    @Option(
        help:
            "So many sites in this process: NAME-1, NAME-2, and so on, with their files under their names, and targets that each have 1 more."
    )
    var count: Int?
    @Option(help: "Such as https://127.0.0.1:8443.") var server: String
    @Option(help: "What must survive a restart.") var folder: String
    @Option var target: Float
    @Option(help: "Training cases: what the site weighs.") var examples: Int
    @Option(help: "The site's certificate, with the intermediate ones: PEM.") var cert: String?
    @Option(help: "The certificate's key: PEM.") var key: String?
    @Option(help: "Authorities of the server's certificate: PEM.") var roots: String?
    @Option(help: "In place of the three: a folder that `certificates` made.") var certificates: String?
    @Option(
        help:
            "A key that signs the calls, in place of a certificate: PEM. Made where there is none. With --count, a folder."
    )
    var keyFile: String?
    @Option(help: "Of the model; without it a matrix of 4 x 3 and a vector of 5.") var bytes: Int?
    @Option(help: "Tensors of a model whose bytes are given.") var tensors = 10
    @Flag(help: "Its values differ from the first on, as those of networks do.") var varied = false
    @Option(help: "How long a round's training takes.") var secondsPerRound = 0.0
    @Option(help: "Rounds of a run whose server does not say.") var rounds: Int?
    @Flag(help: "Replies go as one array, for a stock SuperLink.") var packed = false
    @OptionGroup var tempo: Tempo
    @OptionGroup var disorder: DisorderOptions

    func validate() throws {
        guard (cert == nil) == (key == nil) else { throw ValidationError("--cert and --key go together.") }
        guard [cert, certificates, keyFile].count(where: { $0 != nil }) == 1 else {
            throw ValidationError("Give --cert and --key, or --certificates, or --key-file.")
        }
        guard count == nil || (count! > 0 && cert == nil) else {
            throw ValidationError("--count needs --certificates or --key-file, since each site has its own.")
        }
        guard examples > 0, tensors > 0, secondsPerRound >= 0, bytes ?? 4 >= 4 * tensors || bytes == nil else {
            throw ValidationError("Examples, tensors and bytes must make a model.")
        }
    }

    func run() async throws {
        let names = count.map { (1...$0).map { "\(name)-\($0)" } } ?? [name]
        try await withThrowingDiscardingTaskGroup { group in
            for (position, name) in names.enumerated() {
                let folder = count == nil ? URL(filePath: folder) : URL(filePath: folder).appending(path: name)
                let site = try site(name, target: target + Float(position), in: folder)
                group.addTask { try await site.run() }
            }
        }
    }

    private func site(_ name: String, target: Float, in folder: URL) throws -> FleetSite {
        let connection = try HTTPSClient(server: ServerAddress(server), settings: settings(of: name))
        let client = FleetClient(
            disorder.around(connection), key: try keyFile(of: name).map { try SigningKeyFile.read($0, orMake: true) })
        let learner = ArithmeticLearner(
            name: name, target: target, examples: examples,
            model: bytes.map { ArithmeticLearner.model(bytes: $0, tensors: tensors) } ?? ArithmeticLearner.smallModel,
            duration: .seconds(secondsPerRound), isVaried: varied)
        var ways = FleetSite.Settings()
        ways.packs = packed
        tempo.set(&ways)
        return try FleetSite(
            client, host: OneSite(site: Site(name: name, learner: learner), rounds: rounds), folder: folder,
            settings: ways, log: { line in Output.error("\(name): \(line)") })
    }

    private func keyFile(of name: String) -> String? { count == nil ? keyFile : keyFile.map { "\($0)/\(name).key" } }

    private func settings(of name: String) throws -> HTTPSClient.Settings {
        let cert = certificates.map { "\($0)/\(name).pem" } ?? cert
        let key = certificates.map { "\($0)/\(name)-key.pem" } ?? key
        let roots = certificates.map { "\($0)/roots.pem" } ?? roots
        var settings = HTTPSClient.Settings(roots: try roots.map { try TLSRoots(pem: text($0)) })
        if let cert, let key {
            settings.identity = try TLSIdentity(certificateChain: text(cert), privateKey: text(key))
        }
        tempo.set(&settings)
        return settings
    }
}

/// Takes part in every run.
private struct OneSite: SiteHost {
    let site: Site
    let rounds: Int?

    func begin(run: UInt64, order: Data) async throws {}
    func participant(run: UInt64) async throws -> Site { site }
    func rounds(run: UInt64) async -> Int? { rounds }
}

func text(_ path: String) throws -> String { try String(contentsOf: URL(filePath: path), encoding: .utf8) }
