import NNUNet
import Provisioning
import Study

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How much a model weighs on the wire.
struct ModelSize {
    /// Bytes down, and bytes up.
    var down: Int
    var up: Int
    var source: String

    var text: String { "\(down / 1_000_000) MB (\(source))" }

    /// nnU-Net's usual 3D network: 31 million float32.
    static let usual = ModelSize(
        down: 124_000_000, up: 124_000_000, source: "31 million float32, as nnU-Net's 3D U-Net")

    init(down: Int, up: Int, source: String) { (self.down, self.up, self.source) = (down, up, source) }

    init(megabytes: Double) {
        let bytes = Int(megabytes * 1e6)
        self.init(down: bytes, up: bytes, source: "as given")
    }

    /// Of a run's network, where this site has its plans; else the usual one's.
    init(of run: RunFile, site: String, dataset: String?, folders: DatasetFolders) throws {
        let dataset = try (dataset ?? run.sites.first { $0.name == site }?.dataset).map(folders.datasetName)
        var bytes = Self.usual.down
        var source = Self.usual.source + "; there are no plans here yet"
        if let dataset {
            let file = folders.preprocessed.appending(path: dataset)
                .appending(path: "\(run.plan.resolvedPlansName).json")
            if FileManager.default.fileExists(atPath: file.path) {
                let plans = try Plans(contentsOf: file)
                guard let configuration = plans.configurations.first(where: { $0.name == run.plan.configuration })
                else {
                    throw NNUNetError.plan(
                        "\(file.lastPathComponent) of \(dataset) has no configuration \(run.plan.configuration).")
                }
                let description = try DatasetDescription(
                    contentsOf: folders.raw.appending(path: dataset).appending(path: "dataset.json"))
                let count = configuration.architecture.parameterCount(
                    inputChannels: description.channelNames.count,
                    outputChannels: LabelManager(description).headCount)
                bytes = 4 * count
                source = "\(count) float32, \(configuration.name) of \(dataset)"
            }
        }
        let up = try run.strategy.bytesOfUpdate(values: bytes / 4)
        // What the server cannot read comes back as it went.
        let isSealed = run.strategy.secureAggregation.needsKey
        self.init(down: isSealed ? up : bytes, up: up, source: source)
    }
}
