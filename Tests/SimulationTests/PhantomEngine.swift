import Federation
import Learning
import NNUNet
import Study
import Torch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// nnU-Net behind a simulation of phantoms, with as little work as can be.
struct PhantomEngine: StudyEngine {
    func learner(_ site: StudySite) throws -> any Learner {
        var own = NNUNetSite(dataset: site.dataset, folders: site.folders, modality: site.modality.description)
        own.settings.iterationsPerEpoch = site.training.iterationsPerEpoch
        own.settings.validationIterationsPerEpoch = 1
        own.settings.batchSize = 2
        own.settings.threads = 1
        own.settings.loaderThreads = 1
        own.settings.seed = site.seed
        own.settings.precision = .float32
        own.smallestNumberOfCases = max(1, site.minimumCases)
        own.publicExamples = site.statedExamples
        own.blockedFields = site.blockedFields
        if let records = site.records {
            own.recordOfCase = records.recordOfCase
            own.patchesPerRecord = records.patchesPerRecord
            own.sendsTrainingMetrics = records.tellsLoss
        }
        return NNUNetLearner(own, privacy: site.records?.privacy)
    }

    func predict(_ order: PredictionOrder) async throws {
        let prediction = try FolderPrediction(
            ModelFolder(order.model), configuration: order.configuration, folds: [order.fold],
            checkpoint: order.checkpoint, images: order.images, output: order.output)
        var settings = PredictionSettings()
        settings.mirroring = false
        try await prediction.run(settings, device: .cpu)
    }

    func check(_ training: RunFile.Training) {}
    func mirroringAxes(_ training: RunFile.Training, dimensions: Int) -> [Int]? { Array(0..<dimensions) }
    func gpuCount() -> Int { 0 }
}
