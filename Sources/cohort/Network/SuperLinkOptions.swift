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

/// What a stock SuperLink cannot tell a site of Cohort's, since it has no run file: the site's people say it.
struct SuperLinkOptions: ParsableArguments {
    @Option(name: .customLong("superlink"), help: "A stock flower-superlink to join: https://NAME:PORT.")
    var url: String?
    @Option(help: "Authorities of its certificate, in PEM (default: those that this machine trusts).")
    var rootCertificates: String?
    @Option(help: "Without a kit: the key that signs the calls, in PEM; made where there is none.") var key: String?
    @Option(help: "The dataset's number or name.") var dataset: String?
    @Option(help: "2d, 3d_fullres, … (default: 3d_fullres).") var configuration: String?
    @Option(help: "0 to 4, or all-cases (default: 0).") var fold: String?
    @Option(help: "The plans by which the dataset was preprocessed (default: nnUNetPlans).") var plans: String?
    @Option(name: .customLong("tr", withSingleDash: true), help: "nnU-Net's trainer.") var trainer: String?
    @Option(help: "Rounds of a run whose app does not say cohort-rounds.") var rounds: Int?
    @Flag(help: "Answer with one array in place of one for each tensor, as the app must then read it.")
    var packed = false
    @Option(help: "Training steps of a local epoch.") var iterationsPerEpoch: String?
    @Option(help: "Validation batches of a local epoch.") var valIterationsPerEpoch: String?
    @Option(help: "Patches per step (default: the plan's).") var batchSize: String?
    @Option(help: "The learning rate of the first epoch.") var initialLr: String?
    @Option(help: "fp32, bf16 or fp16.") var precision: String?
    @Option(help: "Fixes weights, patches and augmentation.") var seed: String?

    private var values: [(path: String, flag: String, value: String?)] {
        [
            ("sites.0.fold", "--fold", fold), ("plan.configuration", "--configuration", configuration),
            ("plan.plans_name", "--plans", plans), ("training.trainer", "-tr", trainer),
            ("training.iterations_per_epoch", "--iterations-per-epoch", iterationsPerEpoch),
            ("training.validation_iterations_per_epoch", "--val-iterations-per-epoch", valIterationsPerEpoch),
            ("training.batch_size", "--batch-size", batchSize),
            ("training.initial_learning_rate", "--initial-lr", initialLr),
            ("training.precision", "--precision", precision), ("training.seed", "--seed", seed),
        ]
    }

    func validate() throws {
        let given =
            [
                ("--root-certificates", rootCertificates), ("--key", key), ("--dataset", dataset),
                ("--rounds", rounds.map(String.init)), ("--packed", packed ? "" : nil),
            ].first { $0.1 != nil }?.0 ?? values.first { $0.value != nil }?.flag
        if url == nil, let given {
            throw ValidationError(
                "\(given) goes with --superlink alone: a server of Cohort's tells it by its run file.")
        }
        if url != nil, dataset == nil {
            throw ValidationError("--superlink needs --dataset: a stock SuperLink does not say what is trained on.")
        }
        if let rounds, rounds < 1 { throw ValidationError("--rounds must be at least 1.") }
    }

    /// The order that takes the place of a server's.
    ///
    /// - Throws: where a value is wrong, or the dataset is not preprocessed by these plans.
    func order(site: String, _ folders: DatasetFolders) throws -> SiteOrder {
        let dataset = try folders.datasetName(dataset ?? "")
        var run = RunFile(name: "superlink", sites: [RunFile.Site(name: site, dataset: dataset)])
        if let rounds { try run.set("training.rounds", String(rounds)) }
        for (path, _, value) in values { if let value { try run.set(path, value) } }
        try run.check()
        try NNUNetEngine().check(run.training)
        let folder = folders.preprocessed.appending(path: dataset)
        func require(_ file: URL) throws {
            guard !FileManager.default.fileExists(atPath: file.path) else { return }
            throw NNUNetError.file(
                file.path, reason: "is not there. A SuperLink prepares nothing: run cohort plan-and-preprocess first.")
        }
        let plans = folder.appending(path: run.plan.resolvedPlansName + ".json")
        try require(plans)
        try require(folder.appending(path: "dataset.json"))
        try require(
            folder.appending(path: Plans(contentsOf: plans).configuration(run.plan.configuration).dataIdentifier))
        return try SiteOrder(run, site: site)
    }

    /// The way to the SuperLink; through a proxy where the environment names one.
    func client(key: P384.Signing.PrivateKey) throws -> FleetClient {
        let address = try Fleet.ServerAddress(url ?? "")
        let roots = try rootCertificates.map { file in
            guard let pem = try? String(contentsOf: URL(filePath: file), encoding: .utf8) else {
                throw ValidationError("--root-certificates: \(file) cannot be read.")
            }
            return try TLSRoots(pem: pem)
        }
        let settings = HTTPSClient.Settings(
            roots: roots, proxy: try Proxy.from(environment: ProcessInfo.processInfo.environment, to: address))
        return FleetClient(try HTTPSClient(server: address, settings: settings), key: key)
    }
}
