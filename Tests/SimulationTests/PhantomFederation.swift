import Imaging
import Learning
import NNUNet
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Small phantom hospitals in a folder that goes with its last owner.
final class PhantomFederation {
    struct Hospital {
        var name: String
        var modality = Phantom.Modality.mr
        var cases = 6
        var labels = 2
    }

    let url: URL
    let hospitals: [Hospital]

    init(_ hospitals: [Hospital]) throws {
        self.hospitals = hospitals
        url = FileManager.default.temporaryDirectory.appending(path: "simulation-\(UInt64.random(in: 0 ... .max))")
        for (index, hospital) in hospitals.enumerated() {
            let phantom = try Phantom(
                modality: hospital.modality, labels: hospital.labels, size: [16, 24, 20], spacing: [2, 1, 1],
                scanners: 1, channels: 1, seed: UInt64(index + 1))
            try PhantomDataset(phantom, trainingCases: hospital.cases, testCases: 1)
                .write(to: folders("").raw.appending(path: dataset(index)))
        }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func dataset(_ index: Int) -> String { "Dataset\(301 + index)_\(hospitals[index].name)" }

    /// Raw data are one; everything else is a run's own.
    func folders(_ run: String) -> DatasetFolders {
        DatasetFolders(
            raw: url.appending(path: "raw"), preprocessed: url.appending(path: run).appending(path: "preprocessed"),
            results: url.appending(path: run).appending(path: "results"))
    }

    func learner(_ index: Int, run: String, preprocessed: URL? = nil) -> NNUNetLearner {
        let own = folders(run)
        let folders = DatasetFolders(
            raw: own.raw, preprocessed: preprocessed ?? own.preprocessed, results: own.results)
        var site = NNUNetSite(
            dataset: dataset(index), folders: folders, modality: hospitals[index].modality == .ct ? "CT" : "MR")
        site.settings.iterationsPerEpoch = 2
        site.settings.validationIterationsPerEpoch = 2
        site.settings.batchSize = 2
        site.settings.threads = 1
        site.settings.loaderThreads = 1
        site.settings.seed = UInt64(index + 10)
        site.settings.precision = .float32
        return NNUNetLearner(site)
    }
}
