import ArgumentParser
import Crypto
import Federation
import Fleet
import NNUNet
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SiteCommand {
    /// FednnU-Net's way: `nnUNetv2_train`'s arguments, with a server beside it.
    struct Bench: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "train", abstract: "Take part in a run on this machine's loopback address, unencrypted.")

        @Argument(help: "The dataset's number or name.") var dataset: String
        @Argument(help: "2d, 3d_fullres, …; must be the server's.") var configuration: String
        @Argument(help: "A number, or all-cases.") var fold: String
        @Option(help: "The server's port on 127.0.0.1.") var port = 8080
        @Option(name: .customLong("tr", withSingleDash: true), help: "nnU-Net's trainer; must be the server's.")
        var trainer: String?
        @Option(name: .customShort("p"), help: "The plans; must be the server's.") var plans: String?
        @Option(name: .customLong("num_gpus", withSingleDash: true), help: "Only 1 works yet.") var gpus = 1
        @Flag(name: .customLong("c"), help: "Demand that there is a run here to go on with.") var continues = false
        @Option(name: .customLong("device", withSingleDash: true), help: "cpu, cuda or cuda:N.") var device: String?
        @Option(help: "Threads of the network on a CPU (default: the cores).") var threads: Int?
        @Option(help: "Where the site keeps its run (default: runs/site_DATASET).") var output: String?
        @OptionGroup var refused: TrainingOnlyOptions

        func validate() throws {
            try refused.refuseAll()
            guard device != "mps" else { throw ValidationError("-device mps: Cohort runs on cpu and cuda.") }
            guard gpus == 1 else {
                throw ValidationError("-num_gpus \(gpus): training on several GPUs does not work yet. Leave it at 1.")
            }
        }

        func run() async throws {
            let data = DatasetFolders()
            let name = try data.datasetName(dataset)
            var own = RunFile(name: "site", sites: [RunFile.Site(dataset: name)])
            try own.set("sites.0.fold", fold)
            let folder = URL(filePath: output ?? "runs/site_\(name)")
            if continues, !FileManager.default.fileExists(atPath: folder.appending(path: "runs").path) {
                throw ValidationError("--c: there is no run in \(folder.path) to go on with. Leave --c out.")
            }
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let key = try NodeKeyFile.read(folder.appending(path: "site.key"), orMake: true)
            var settings = HTTPSClient.Settings(roots: nil)
            // A bench ends with its server, and soon.
            settings.retry.within = .seconds(5)
            let connection = try HTTPSClient(
                server: Fleet.ServerAddress("http://127.0.0.1:\(port)"), settings: settings)
            let log: @Sendable (String) -> Void = { print($0) }
            let host = RunHost(
                nil, folder: folder, setup: try SiteSetup(nil, device: device, threads: threads), own: own.sites[0],
                choice: TrainingChoice(configuration: configuration, trainer: trainer, plansName: plans), log: log)
            var ways = FleetSite.Settings()
            ways.endsWithServer = true
            ways.name = SiteName(DatasetFolders.title(of: name))
            try await FleetSite(
                FleetClient(connection, key: key), host: host, folder: folder, settings: ways, log: log
            ).run()
            await host.reportsAreWritten()
        }
    }
}

/// Arguments of `nnUNetv2_train` that have no place in a federation: known, so that each is refused with its reason.
struct TrainingOnlyOptions: ParsableArguments {
    @Option(
        name: .customLong("pretrained_weights", withSingleDash: true), help: "Refused: the server begins the model.")
    var pretrainedWeights: String?
    @Flag(name: .customLong("npz"), help: "Refused: see cohort train --val --npz.") var savesProbabilities = false
    @Flag(name: .customLong("val"), help: "Refused: see cohort train --val.") var validates = false
    @Flag(name: .customLong("val_best"), help: "Refused: see cohort train --val_best.") var validatesBest = false
    @Flag(name: .customLong("disable_checkpointing"), help: "Refused: rounds go on from checkpoints.")
    var disableCheckpointing = false

    func refuseAll() throws {
        func refuse(_ flag: String, if isGiven: Bool, _ reason: String) throws {
            if isGiven { throw ValidationError("\(flag): \(reason)") }
        }
        try refuse(
            "-pretrained_weights", if: pretrainedWeights != nil,
            "every round begins with the server's model, the first with weights that follow from the seed.")
        let later = "when the run is over, cohort train does that with nnUNet_results set to its results: "
        try refuse("--npz", if: savesProbabilities, later + "cohort train DATASET CONFIGURATION FOLD --val --npz.")
        try refuse("--val", if: validates, later + "cohort train DATASET CONFIGURATION FOLD --val.")
        try refuse("--val_best", if: validatesBest, later + "cohort train DATASET CONFIGURATION FOLD --val --val_best.")
        try refuse(
            "--disable_checkpointing", if: disableCheckpointing,
            "a site that is ended goes on with its last round, which takes a checkpoint.")
    }
}
